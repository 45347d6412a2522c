package classic_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/gobindery/bindery/pubsub"
	"github.com/gobindery/bindery/pubsub/classic"
)

// What becomes of a message that dies twice: its history, its keys, and what
// stays as it was.
func TestDeadLetter(t *testing.T) {
	first := &pubsub.Publication{Envelope: pubsub.Envelope{
		Exchange: "orders", RoutingKey: "new",
		Message: pubsub.Message{
			Body: []byte("body"), Headers: pubsub.Table{"CC": []any{"copy"}, "own": int32(1)},
			Expiration: new(20 * time.Millisecond), Priority: 3, MessageID: "m",
		},
	}, MoreKeys: []string{"copy"}}
	at := time.Date(2026, 11, 25, 10, 0, 0, 999, time.UTC)

	died := classic.DeadLetter(first, "work", &pubsub.DeadLetter{Exchange: "dlx"}, classic.Expired, at)
	event := pubsub.Table{
		"count": int64(1), "reason": "expired", "queue": "work", "exchange": "orders",
		"routing-keys": []any{"new", "copy"}, "original-expiration": "20", "time": at.Truncate(time.Second),
	}
	want := pubsub.Table{
		"CC": []any{"copy"}, "own": int32(1), "x-death": []any{event},
		"x-first-death-exchange": "orders", "x-first-death-queue": "work", "x-first-death-reason": "expired",
	}
	if !reflect.DeepEqual(died.Headers, want) {
		t.Errorf("headers are\n%v\nwant\n%v", died.Headers, want)
	}
	if died.Exchange != "dlx" || died.RoutingKey != "new" || !reflect.DeepEqual(died.MoreKeys, []string{"copy"}) {
		t.Errorf("it goes to %q with the keys %q and %q", died.Exchange, died.RoutingKey, died.MoreKeys)
	}
	if died.Expiration != nil || died.Priority != 3 || died.MessageID != "m" || string(died.Body) != "body" {
		t.Errorf("its properties are %+v", died.Message)
	}
	if len(first.Headers) != 2 || first.Expiration == nil {
		t.Error("the message that died has changed")
	}

	key := "grave"
	again := classic.DeadLetter(died, "work", &pubsub.DeadLetter{Exchange: "dlx", RoutingKey: &key}, classic.Expired, at)
	deaths := again.Headers["x-death"].([]any)
	if len(deaths) != 1 || deaths[0].(pubsub.Table)["count"] != int64(2) {
		t.Errorf("its deaths are %v, want one entry, counted twice", deaths)
	}
	if _, ok := again.Headers["CC"]; ok || again.RoutingKey != "grave" || again.MoreKeys != nil {
		t.Errorf("with a key of the queue's, it goes with %q and %q, and the headers %v", again.RoutingKey, again.MoreKeys, again.Headers)
	}
	other := classic.DeadLetter(again, "work", &pubsub.DeadLetter{}, classic.Rejected, at)
	if deaths := other.Headers["x-death"].([]any); len(deaths) != 2 || deaths[0].(pubsub.Table)["reason"] != "rejected" {
		t.Errorf("its deaths are %v, want that of another reason first", deaths)
	}
}

// A message that went round is dropped, unless somebody rejected it on its way.
func TestWentRound(t *testing.T) {
	death := func(queue, reason string) pubsub.Table { return pubsub.Table{"queue": queue, "reason": reason} }
	for _, c := range []struct {
		name   string
		deaths any
		want   bool
	}{
		{"none", nil, false},
		{"elsewhere", []any{death("other", "expired")}, false},
		{"here", []any{death("other", "maxlen"), death("q", "expired")}, true},
		{"rejected since", []any{death("other", "rejected"), death("q", "expired")}, false},
		{"rejected before", []any{death("q", "expired"), death("other", "rejected")}, true},
		{"foreign", []any{"death"}, false},
		{"no list", "death", false},
	} {
		if got := classic.WentRound(pubsub.Table{"x-death": c.deaths}, "q"); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}
