package pubsub

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"time"
)

// losingSub is a Subscription that tells which deliveries are lost.
type losingSub struct {
	*fakeSub
	lostTo atomic.Uint64
}

func (s *losingSub) Lost(tag uint64) bool { return tag <= s.lostTo.Load() }

// TestHandleLost: a delivery that is lost is not handled, and neither retried
// nor given back, but counts as settled; with AutoAck none is lost.
func TestHandleLost(t *testing.T) {
	retry := &Retry{Delays: []time.Duration{time.Second}}
	for _, c := range []struct {
		name    string
		o       HandleOptions
		autoAck bool
		want    []string
	}{
		{"loop", HandleOptions{}, false, []string{"1", "4"}},
		{"retry", HandleOptions{Retry: retry}, false, []string{"1", "4"}},
		{"key", HandleOptions{Key: byBody(1)}, false, []string{"1", "4"}},
		{"key and retry", HandleOptions{Key: byBody(1), Retry: retry}, false, []string{"1", "4"}},
		{"AutoAck", HandleOptions{}, true, []string{"1", "2", "3", "4"}},
		{"AutoAck and key", HandleOptions{Key: byBody(1)}, true, []string{"1", "2", "3", "4"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			fake, sub, _ := fakeRetry(t, func(*Publication) error { return nil })
			losing := &losingSub{fakeSub: sub}
			sub.onSettle = func(s settlement) error {
				if losing.Lost(s.tag) {
					return ErrDeliveryLost
				}
				return nil
			}
			cons, err := New(fake.consumes(losing), nil).Consume(t.Context(), "q", &ConsumeOptions{AutoAck: c.autoAck})
			wantErr(t, "consume", err)
			sub.push(4)
			fake.takeCalls()
			var seen []string
			wantErr(t, "handle", cons.Handle(t.Context(), &c.o, func(ctx context.Context, d Delivery) error {
				seen = append(seen, string(d.Body))
				switch string(d.Body) {
				case "1":
					losing.lostTo.Store(3)
					return errScripted
				case "4":
					return cons.Cancel(ctx)
				}
				return nil
			}))
			if !slices.Equal(seen, c.want) {
				t.Errorf("handled %q; want %q", seen, c.want)
			}
			for _, call := range fake.takeCalls() {
				if len(call) > 7 && call[:7] == "publish" {
					t.Errorf("called %s; want no copy of what comes again", call)
				}
			}
			if got := sub.settlements(); !c.autoAck && !slices.Equal(got, []string{"ack 4"}) {
				t.Errorf("settled %q; want the one that is not lost", got)
			}
			if n := cons.origin.unsettled(); n != 0 {
				t.Errorf("%d are unsettled; want none", n)
			}
		})
	}
}
