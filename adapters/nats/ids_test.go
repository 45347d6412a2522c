package nats

import (
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/gobindery/bindery/adapters/nats/internal/message"
)

// An id is known for a dedupWindow at least, and forgotten after three.
func TestIDsForgotten(t *testing.T) {
	began := time.Unix(0, 0)
	for _, c := range []struct {
		after time.Duration
		want  bool
	}{{0, true}, {dedupWindow, true}, {3 * dedupWindow, false}} {
		var known ids
		again := func(id string, after time.Duration) bool {
			m := &nats.Msg{Header: nats.Header{idHeader: {id}, message.Header: {""}}}
			return known.again(m, began.Add(after))
		}
		if again("conn.1", 0) {
			t.Error("the first id is known")
		}
		// Others come meanwhile.
		for after := time.Duration(0); after < c.after; after += dedupWindow/2 + 1 {
			again("other.1", after)
		}
		if is := again("conn.1", c.after); is != c.want {
			t.Errorf("after %v, the id is known: %t; want %t", c.after, is, c.want)
		}
	}
}

// Each id is another's, however alike they look.
func TestIDsDiffer(t *testing.T) {
	var known ids
	for _, id := range []string{"a.0", "a.1", "a.1f", "a.1g", "a.e7", "a.e8", "a.s.1", "b.0", "MQ_X.y.10", "MQ_X.y.11", "a." + strings.Repeat("z", 12)} {
		m := &nats.Msg{Header: nats.Header{idHeader: {id}, message.Header: {""}}}
		if known.again(m, time.Now()) {
			t.Errorf("%s is taken for another", id)
		}
		if !known.again(m, time.Now()) {
			t.Errorf("%s is not known again", id)
		}
	}
}

// Whether other clients' ids are used again is up to them and the stream.
func TestIDsOfOthers(t *testing.T) {
	var known ids
	for range 2 {
		for _, m := range []*nats.Msg{
			{Header: nats.Header{idHeader: {"order.17"}}},
			{Header: nats.Header{idHeader: {"order-17"}, message.Header: {""}}},
			{Header: nats.Header{message.Header: {""}}},
			{},
		} {
			if known.again(m, time.Now()) {
				t.Errorf("the message with the headers %v is known", m.Header)
			}
		}
	}
	long := &nats.Msg{Header: nats.Header{idHeader: {"conn.1"}, longHeader: {"40000"}}}
	if known.again(long, time.Now()); !known.again(long, time.Now()) {
		t.Error("a message with a long header is not known again")
	}
}
