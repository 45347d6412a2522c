package memory_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobindery/bindery/adapters/memory"
	"github.com/gobindery/bindery/pubsub"
)

func connect(t *testing.T) *pubsub.Broker {
	t.Helper()
	b := pubsub.New(memory.NewServer().Connect(nil), nil)
	t.Cleanup(func() { must(t, b.Close()) })
	return b
}

func ready(t *testing.T, b *pubsub.Broker, queue string) int {
	t.Helper()
	info, err := b.InspectQueue(t.Context(), queue)
	must(t, err)
	return info.Ready
}

func publish(t *testing.T, b *pubsub.Broker, queue, body string, ttl time.Duration) {
	t.Helper()
	m := pubsub.Message{Body: []byte(body)}
	if ttl >= 0 {
		m.Expiration = &ttl
	}
	must(t, b.Publish(t.Context(), "", queue, m))
}

const forever = -1

// Under the bubble's clock the moment of expiry is exact, which no test against
// a real clock can show.
func TestMessageExpiresAtItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := connect(t)
		q, err := b.DeclareQueue(t.Context(), pubsub.Queue{Name: "q", MessageTTL: new(time.Second)})
		must(t, err)
		publish(t, b, q, "queue's ttl", forever)
		publish(t, b, q, "own ttl is shorter, but it is not at the head", 100*time.Millisecond)
		time.Sleep(time.Second - time.Nanosecond)
		if n := ready(t, b, q); n != 2 {
			t.Fatalf("1ns before the TTL %d messages are ready, want 2", n)
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		if n := ready(t, b, q); n != 0 {
			t.Fatalf("at the TTL %d messages are ready, want 0", n)
		}
	})
}

// The timer must follow the head: here a message that never expires hides one
// that does, until a get takes it away.
func TestHeadThatLeavesUncoversAnExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := connect(t)
		_, err := b.DeclareQueue(t.Context(), pubsub.Queue{Name: "dead"})
		must(t, err)
		q, err := b.DeclareQueue(t.Context(), pubsub.Queue{Name: "q", DeadLetter: &pubsub.DeadLetter{RoutingKey: new("dead")}})
		must(t, err)
		publish(t, b, q, "stays", forever)
		publish(t, b, q, "expires", time.Second)
		time.Sleep(5 * time.Second)
		if n := ready(t, b, "dead"); n != 0 {
			t.Fatalf("%d dead letters while the head had not expired, want 0", n)
		}
		if _, ok, err := b.Get(t.Context(), q, &pubsub.GetOptions{AutoAck: true}); !ok || err != nil {
			t.Fatal(ok, err)
		}
		if n := ready(t, b, "dead"); n != 1 {
			t.Fatalf("%d dead letters after the head was taken, want 1", n)
		}
	})
}

// A queue with x-expires goes at its time after the last use; a consumer keeps it.
func TestUnusedQueueExpiresAtItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := connect(t)
		ctx := t.Context()
		q, err := b.DeclareQueue(ctx, pubsub.Queue{Name: "q", Expires: time.Minute})
		must(t, err)
		topology := func() int { // does not count as a use
			top, err := b.Topology(ctx)
			must(t, err)
			return len(top.Queues)
		}
		time.Sleep(59 * time.Second)
		if _, _, err := b.Get(ctx, q, nil); err != nil {
			t.Fatal(err)
		}
		time.Sleep(59 * time.Second)
		synctest.Wait()
		if topology() != 1 {
			t.Fatal("the queue went although a get had used it")
		}
		c, err := b.Consume(ctx, q, nil)
		must(t, err)
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if topology() != 1 {
			t.Fatal("the queue went although it had a consumer")
		}
		must(t, c.Close())
		time.Sleep(time.Minute - time.Nanosecond)
		synctest.Wait()
		if topology() != 1 {
			t.Fatal("the queue went before its time")
		}
		publish(t, b, q, "a publish is no use", forever)
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		if topology() != 0 {
			t.Fatal("the queue is there after its time")
		}
	})
}

// A delay by TTL and dead letter, the usual way to retry later.
func TestDelayedRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := connect(t)
		ctx := t.Context()
		_, err := b.DeclareQueue(ctx, pubsub.Queue{Name: "work"})
		must(t, err)
		_, err = b.DeclareQueue(ctx, pubsub.Queue{Name: "wait", MessageTTL: new(30 * time.Second), DeadLetter: &pubsub.DeadLetter{RoutingKey: new("work")}})
		must(t, err)
		c, err := b.Consume(ctx, "work", nil)
		must(t, err)
		start := time.Now()
		publish(t, b, "wait", "later", forever)
		d, err := c.Receive(ctx)
		must(t, err)
		if waited := time.Since(start); waited != 30*time.Second {
			t.Fatalf("came after %v, want 30s", waited)
		}
		death := d.Headers["x-death"].([]any)[0].(pubsub.Table)
		if death["reason"] != "expired" || death["queue"] != "wait" || !death["time"].(time.Time).Equal(time.Now().Truncate(time.Second)) {
			t.Fatalf("x-death is %v", death)
		}
		must(t, d.Ack(ctx))
	})
}

// Receive in a bubble is durably blocked: a program under synctest can wait for
// messages.
func TestReceiveIsDurablyBlocked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := connect(t)
		q, err := b.DeclareQueue(t.Context(), pubsub.TempQueue())
		must(t, err)
		c, err := b.Consume(t.Context(), q, nil)
		must(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		start := time.Now()
		if _, err := c.Receive(ctx); ctx.Err() == nil {
			t.Fatal("Receive came back early:", err)
		}
		if time.Since(start) != time.Hour {
			t.Fatal("Receive came back after", time.Since(start))
		}
	})
}
