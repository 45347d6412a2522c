package nats

import (
	"maps"
	"slices"
	"testing"
	"time"
)

// A view that lags behind finds records whose queue it never saw, as the record of its deletion has
// overwritten the queue's. It must not take them for swept by a janitor who still saw the queue.
func TestInertWhatTheJanitorStillSaw(t *testing.T) {
	n := namesOf("v")
	b := &bindingRecord{Exchange: "amq.topic", Queue: "q", To: "i", Key: "k"}
	q := &queueRecord{Name: "q", Incarnation: "i"}
	v := newView(&n)
	apply := func(revision uint64, key string, r *record) {
		t.Helper()
		if err := v.apply(revision, key, r.encode(), time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	has := func(when string, want ...string) {
		t.Helper()
		if is := slices.Sorted(maps.Keys(v.inert)); !slices.Equal(is, want) {
			t.Errorf("%s, %q are inert; want %q", when, is, want)
		}
	}
	apply(10, b.key(), &record{Binding: b})
	apply(11, usedKey("i"), &record{Used: &usedRecord{"i", "q"}})
	apply(12, leftKey("i"), &record{Left: &leftRecord{Incarnation: "i", Name: "q", Given: "1"}})
	apply(16, sweptKey, &record{Swept: &sweptRecord{Inert: 15}})
	apply(20, queueKey("q"), &record{Queue: q, Gone: true})
	v.current()
	has("after the deletion", b.key(), leftKey("i"), usedKey("i"))
	apply(21, sweptKey, &record{Swept: &sweptRecord{Inert: 19}})
	v.current()
	has("when a janitor was not as far", b.key(), leftKey("i"), usedKey("i"))
	apply(22, sweptKey, &record{Swept: &sweptRecord{Inert: 20}})
	v.current()
	has("when one was")
}
