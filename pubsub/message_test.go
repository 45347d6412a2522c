package pubsub

import (
	"reflect"
	"testing"
	"time"
)

// TestCopyTo: each field of a message is copied, be it the only one or not.
func TestCopyTo(t *testing.T) {
	var all Message
	fields := reflect.ValueOf(&all).Elem()
	for i := range fields.NumField() {
		var one Message
		f := reflect.ValueOf(&one).Elem().Field(i)
		switch f.Interface().(type) {
		case string:
			f.SetString("x")
		case []byte:
			f.SetBytes([]byte("x"))
		case Table:
			f.Set(reflect.ValueOf(Table{"k": "v"}))
		case time.Time:
			f.Set(reflect.ValueOf(time.Unix(1, 0)))
		case *time.Duration:
			f.Set(reflect.ValueOf(new(time.Second)))
		default:
			f.SetUint(1)
		}
		fields.Field(i).Set(f)
		var got Message
		one.copyTo(&got)
		if !reflect.DeepEqual(got, one) {
			t.Errorf("a message with the %s alone is copied as %+v", fields.Type().Field(i).Name, got)
		}
	}
	var got Message
	all.copyTo(&got)
	if !reflect.DeepEqual(got, all) {
		t.Errorf("got %+v; want %+v", got, all)
	}
}
