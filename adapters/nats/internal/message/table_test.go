package message

import (
	"reflect"
	"testing"

	"github.com/gobindery/bindery/pubsub"
)

func TestTablesAsText(t *testing.T) {
	for want, table := range map[string]pubsub.Table{
		"":                          nil,
		"{a%20b=i32:5,x-match=all}": {"x-match": "all", "a b": int32(5)},
	} {
		if got := FormatTable(table); got != want {
			t.Errorf("%v is %s; want %s", table, got, want)
		}
		if got, err := ParseTable(want); err != nil || !reflect.DeepEqual(got, table) {
			t.Errorf("%s is %#v, error %v; want %#v", want, got, err, table)
		}
	}
	// A binding without arguments is one, however it is said.
	if got := FormatTable(pubsub.Table{}); got != "" {
		t.Errorf("an empty table is %q; want nothing", got)
	}
	for _, wrong := range []string{"{", "{}{}", "[]", "text", "{a=i8:999}"} {
		if got, err := ParseTable(wrong); err == nil {
			t.Errorf("%s is %#v; want an error", wrong, got)
		}
	}
}
