package classic

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/gobindery/bindery/pubsub"
)

// What RabbitMQ 3.10 tells of arguments, and what is read from it.
func TestJSON(t *testing.T) {
	for _, tt := range []struct {
		sent any
		told string // by RabbitMQ
		read any    // nil: as it was sent
	}{
		{int64(9007199254740993), `9007199254740993`, nil},
		{int32(7), `7`, int64(7)},
		{uint8(7), `7`, int64(7)},
		{1.0, `1.0`, nil},
		{1e100, `1.0e100`, nil},
		{float32(0.1), `0.10000000149011612`, 0.10000000149011612},
		{"s", `"s"`, nil},
		{[]byte("text"), `"text"`, "text"},
		{[]byte{1, 2, 200}, `"Not UTF-8, base64 is: AQLI"`, nil},
		{true, `true`, nil},
		{nil, `"undefined"`, nil},
		{pubsub.Decimal{Scale: 2, Value: 314}, `2.314`, 2.314},
		{time.Unix(5, 0), `5`, int64(5)},
	} {
		in := json.NewDecoder(strings.NewReader(tt.told))
		in.UseNumber()
		var v any
		if err := in.Decode(&v); err != nil {
			t.Fatal(err)
		}
		want := tt.read
		if want == nil {
			want = tt.sent
		}
		if got, err := FromJSON(v); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s is read as %#v, error %v; want %#v", tt.told, got, err, want)
		}
		if got := Told(tt.sent); !reflect.DeepEqual(got, Told(want)) {
			t.Errorf("%#v is told as %#v; %#v as %#v", tt.sent, got, want, Told(want))
		}
	}
	nested := map[string]any{"l": []any{json.Number("1"), map[string]any{"v": "undefined"}}}
	want := pubsub.Table{"l": []any{int64(1), pubsub.Table{"v": nil}}}
	if got, err := FromJSON(nested); err != nil || !reflect.DeepEqual(got, any(want)) {
		t.Errorf("got %#v, error %v; want %#v", got, err, want)
	}
	for _, wrong := range []any{json.Number("9223372036854775808"), json.Number("1e999"), []any{json.Number("1e999")}, map[string]any{"k": json.Number("-9223372036854775809")}} {
		if got, err := FromJSON(wrong); !errors.Is(err, pubsub.ErrInvalid) {
			t.Errorf("%v is %v, error %v; want it refused", wrong, got, err)
		}
	}
}

// The fields of a queue are told as arguments, and read from them.
func TestFields(t *testing.T) {
	key := "k"
	full := pubsub.Queue{
		Name: "q", Durable: true, MessageTTL: new(time.Second), Expires: time.Minute, MaxLength: new(0), MaxBytes: new(7), Overflow: pubsub.RejectPublish,
		DeadLetter: &pubsub.DeadLetter{RoutingKey: &key}, MaxPriority: 9, SingleActiveConsumer: true, Arguments: pubsub.Table{"x-queue-mode": "lazy"},
	}
	args := Arguments(full)
	if len(args) != 10 {
		t.Errorf("got %d arguments, want 10: %v", len(args), args)
	}
	if got := WithArguments(pubsub.Queue{Name: "q", Durable: true}, args); !reflect.DeepEqual(got, full) {
		t.Errorf("got %+v, want %+v", got, full)
	}
	if got := WithArguments(pubsub.Queue{}, Arguments(pubsub.Queue{})); len(got.Arguments) > 0 {
		t.Errorf("got %+v, want nothing", got)
	}
	// What no field can hold is kept as it is.
	odd := pubsub.Table{"x-max-priority": int64(256), "x-max-length": "many", "x-dead-letter-routing-key": "k"}
	if got := WithArguments(pubsub.Queue{}, odd.Clone()); !got.Arguments.Equal(odd) {
		t.Errorf("got %+v, want the arguments %v", got, odd)
	}
}

func TestDifferences(t *testing.T) {
	same := [][2]pubsub.Queue{
		{{}, {}},
		{{Durable: true, Exclusive: true}, {Exclusive: true}}, // an exclusive queue is never durable
		{{Arguments: pubsub.Table{"x-queue-type": "classic", "x-mine": 1}}, {}},
		{{Arguments: pubsub.Table{"x-queue-version": int32(1)}}, {Arguments: pubsub.Table{"x-queue-version": int64(1)}}},
	}
	for _, pair := range same {
		if got := Differences(pair[0], pair[1]); len(got) > 0 {
			t.Errorf("%+v and %+v: got %v, want no difference", pair[0], pair[1], got)
		}
	}
	is := pubsub.Queue{Durable: true, MaxLength: new(5), Arguments: pubsub.Table{"x-max-age": "1D", "x-queue-mode": []any{1}}}
	want := pubsub.Queue{AutoDelete: true, DeadLetter: &pubsub.DeadLetter{}, Arguments: pubsub.Table{"x-delivery-limit": int32(3)}}
	differences := []Difference{
		{"durable", false, true},
		{"auto_delete", true, false},
		{"x-max-length", nil, int64(5)},
		{"x-dead-letter-exchange", "", nil},
		{"x-queue-mode", nil, "[1]"},
		{"x-delivery-limit", int64(3), nil},
		{"x-max-age", nil, "1D"},
	}
	if got := Differences(is, want); !reflect.DeepEqual(got, differences) {
		t.Errorf("got %v, want %v", got, differences)
	}
}
