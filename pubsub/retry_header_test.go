package pubsub

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestAttemptsHeader: what is written is read again, within bounds.
func TestAttemptsHeader(t *testing.T) {
	d := Delivery{Envelope: &Envelope{Exchange: "e", RoutingKey: "k"}, window: &window{origin: &origin{queue: "q"}}}
	d.Headers = Table{"CC": []any{"other"}, "h": "v", "x-death": []any{Table{"queue": "q", "reason": "expired"}}, "x-first-death-queue": "q"}
	d.Expiration, d.UserID = new(3*time.Second), "kim"
	now := time.Unix(1000, 0).UTC()
	a := attemptsOf(d.Envelope, "q")
	for i := range 25 {
		a.fail(fmt.Errorf("%d %s", i, strings.Repeat("ü", 1000)), now.Add(time.Duration(i)*time.Second))
	}
	m := a.message(&d)
	wantErr(t, "the message", m.validate())
	if m.Expiration != nil || m.UserID != "" || len(m.Headers) != 2 || m.Headers["h"] != "v" {
		t.Errorf("the message that waits has the headers %v, expiration %v, user id %q", m.Headers, m.Expiration, m.UserID)
	}
	back := d
	back.Envelope = &Envelope{Message: m, RoutingKey: "q"}
	back.Headers["x-death"] = []any{Table{"queue": "q.retry.1"}}
	if got := back.Attempt(); got != 26 {
		t.Errorf("the attempt is %d; want 26", got)
	}
	b := attemptsOf(back.Envelope, "q")
	if b.failed != 25 || b.first != now || b.last != now.Add(24*time.Second) || len(b.errors) != keptErrors || !strings.HasPrefix(b.errors[9], "24 ü") {
		t.Errorf("read %d failures, from %v to %v, errors %q", b.failed, b.first, b.last, b.errors)
	}
	seen := b.view(back)
	if seen.Exchange != "e" || seen.RoutingKey != "k" || *seen.Expiration != 3*time.Second || seen.UserID != "" || seen.Headers["x-first-death-queue"] != "q" ||
		fmt.Sprint(seen.Headers["CC"], seen.Headers["x-death"]) != "[other] [map[queue:q.retry.1] map[queue:q reason:expired]]" {
		t.Errorf("the handler sees %+v", *seen.Envelope)
	}
	// Of another queue, or after it was parked: it begins anew.
	if n := attemptsOf(back.Envelope, "other").failed; n != 0 {
		t.Errorf("%d failures in another queue; want 0", n)
	}
	back.Headers[parkedHeader] = "why"
	if again := attemptsOf(back.Envelope, "q"); again.failed != 0 || again.exchange != "e" {
		t.Errorf("moved back from where it was parked: %+v", again)
	}
}

// TestRetryDiedTooLarge: without its errors too, a message leaves the death
// headers behind that name its own queue.
func TestRetryDiedTooLarge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sent []Table
		_, sub, c := fakeRetry(t, func(p *Publication) error {
			if sent = append(sent, p.Headers); len(sent) == 1 {
				return ErrUnsupported
			}
			return nil
		})
		handling := during(func() error {
			return c.Handle(context.Background(), &HandleOptions{Retry: &Retry{Delays: []time.Duration{time.Second}}}, func(context.Context, Delivery) error { return errScripted })
		})
		died := []any{Table{"queue": "q", "reason": "expired"}}
		sub.mu.Lock()
		sub.ready = []Incoming{{Envelope: &Envelope{Message: Message{Headers: Table{"x-death": died}}}, Tag: 1}}
		sub.changedLocked()
		sub.mu.Unlock()
		synctest.Wait()
		for i, h := range sent {
			retry, _ := h["x-retry"].(Table)
			if deaths, _ := retry["deaths"].(Table); h["x-death"] != nil || !deaths.Equal(Table{"x-death": died}) {
				t.Errorf("publish %d has the headers %v; want x-death set aside", i, h)
			}
		}
		if len(sent) != 2 {
			t.Errorf("%d were sent; want 2", len(sent))
		}
		wantErr(t, "cancel", c.Cancel(t.Context()))
		synctest.Wait()
		wantErr(t, "handle", ended(t, "handle", handling))
	})
}
