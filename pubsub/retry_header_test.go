package pubsub

import (
	"fmt"
	"strings"
	"testing"
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
