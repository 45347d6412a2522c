package pubsub_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobindery/bindery/pubsub"
)

// died is the header of a message that expired in a queue and was moved back.
func died(queue string) pubsub.Table {
	return pubsub.Table{"x-death": []any{pubsub.Table{"queue": queue, "reason": "expired", "count": int64(1)}}, "x-first-death-queue": queue}
}

// A message that died in its queue before outlasts a retry that its queue
// refuses, and the next one.
func TestRetryDiedRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		s.queue(pubsub.Queue{Name: "work", MaxLength: new(1), Overflow: pubsub.RejectPublish})
		s.ok(s.Publish(s.ctx, "", "work", pubsub.Message{Body: []byte("poison"), Headers: died("work")}))
		attempts := 0
		var deaths []any
		s.ok(s.handle("work", pubsub.Retry{Delays: []time.Duration{0, 50 * time.Millisecond}}, func(d pubsub.Delivery) (bool, error) {
			if string(d.Body) != "poison" {
				return false, nil
			}
			attempts++
			if attempts == 1 {
				s.ok(s.Publish(s.ctx, "", "work", pubsub.Message{Body: []byte("filler")}, pubsub.Mandatory))
			}
			if attempts == 2 {
				deaths, _ = d.Headers["x-death"].([]any)
			}
			return attempts == 3, errBusy
		}))
		if len(deaths) != 1 || deaths[0].(pubsub.Table)["count"] != int64(1) {
			t.Errorf("the handler saw the history %v; want one death", deaths)
		}
	})
}

// A message that died in its queue and was moved back, and died there again
// after a retry, outlasts the next retry.
func TestRetryDiedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		s.queue(pubsub.Queue{Name: "dead"})
		s.queue(pubsub.Queue{Name: "work", MessageTTL: new(50 * time.Millisecond), DeadLetter: &pubsub.DeadLetter{RoutingKey: new("dead")}})
		move := func() {
			t.Helper()
			for {
				d, ok, err := s.Get(s.ctx, "dead", nil)
				s.ok(err)
				if ok {
					s.ok(s.Publish(s.ctx, "", "work", d.Message))
					s.ok(d.Ack(s.ctx))
					return
				}
				time.Sleep(10 * time.Millisecond)
				s.ok(s.ctx.Err())
			}
		}
		s.ok(s.Publish(s.ctx, "", "work", pubsub.Message{}))
		r := pubsub.Retry{Delays: []time.Duration{100 * time.Millisecond}, Attempts: 3}
		fails := func(d pubsub.Delivery) (bool, error) { return true, errBusy }
		move() // it expired
		s.ok(s.handle("work", r, fails))
		move() // it waited, came back and expired again
		s.ok(s.handle("work", r, fails))
		move() // and again
		s.ok(s.handle("work", r, func(d pubsub.Delivery) (bool, error) {
			deaths, _ := d.Headers["x-death"].([]any)
			times := int64(0)
			for _, e := range deaths {
				if e, _ := e.(pubsub.Table); e["queue"] == "work" {
					times += e["count"].(int64)
				}
			}
			if times != 3 {
				t.Errorf("the history is %v; want three deaths in the queue", deaths)
			}
			return true, nil
		}))
	})
}
