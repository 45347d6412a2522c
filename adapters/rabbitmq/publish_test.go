package rabbitmq_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobindery/bindery/adapters/rabbitmq"
	"github.com/gobindery/bindery/adapters/rabbitmq/rabbitmqtest"
	"github.com/gobindery/bindery/pubsub"
)

// drain returns the bodies in a queue, in order.
func (t *tester) drain(queue string) (bodies []string) {
	t.Helper()
	for {
		d, ok, err := t.Get(t.ctx, queue, &pubsub.GetOptions{AutoAck: true})
		t.ok(err)
		if !ok {
			return bodies
		}
		bodies = append(bodies, string(d.Body))
	}
}

// RabbitMQ confirms what it writes to disk by thousands at once: all of them
// have their outcome then, not when the next heartbeat comes.
func TestThousandsInFlight(t *testing.T) {
	b := open(t, rabbitmqtest.Shared(t).VHost(t), &rabbitmq.Options{Heartbeat: 10 * time.Minute})
	q := b.queue(pubsub.Queue{Name: "q", Durable: true})
	m := pubsub.Message{Body: []byte("kept"), DeliveryMode: pubsub.Persistent}
	b.ok(b.Publish(b.ctx, "", q, m)) // from now on, many at a time
	flights := make([]pubsub.Confirmation, 5000)
	for i := range flights {
		flights[i] = b.PublishAsync(b.ctx, "", q, m)
	}
	for i, f := range flights {
		if err := f.Wait(b.ctx); err != nil {
			t.Fatalf("publish %d: %v", i, err)
		}
	}
}

// Publishes that RabbitMQ finds fault with fail alone, while others are in
// flight all the time: those are confirmed, in order, and none twice.
func TestBadPublishesAmongGood(t *testing.T) {
	b := open(t, rabbitmqtest.Shared(t).VHost(t), nil)
	q := b.queue(pubsub.Queue{Name: "q"})
	b.exchange(pubsub.Exchange{Name: "internal", Kind: pubsub.Fanout, Internal: true})

	stop := make(chan struct{})
	var work sync.WaitGroup
	n := 0
	work.Go(func() {
		flights := make(chan pubsub.Confirmation, 100)
		work.Go(func() {
			for f := range flights {
				if err := f.Wait(b.ctx); err != nil {
					t.Error("a good publish:", err)
				}
			}
		})
		defer close(flights)
		for ; ; n++ {
			select {
			case <-stop:
				return
			default:
				flights <- b.PublishAsync(b.ctx, "", q, pubsub.Message{Body: fmt.Append(nil, n)})
			}
		}
	})
	for range 10 {
		for _, bad := range []struct {
			exchange string
			message  pubsub.Message
			sentinel error
			word     string
		}{
			{"missing", pubsub.Message{}, pubsub.ErrNotFound, "no exchange 'missing'"},
			{"internal", pubsub.Message{}, pubsub.ErrAccessRefused, "internal"},
			{"", pubsub.Message{UserID: "somebody"}, pubsub.ErrPreconditionFailed, "somebody"},
			{"", pubsub.Message{ReplyTo: "amq.rabbitmq.reply-to"}, pubsub.ErrPreconditionFailed, "fast reply consumer"},
		} {
			err := b.Publish(b.ctx, bad.exchange, q, bad.message)
			fails(t, err, bad.sentinel, bad.word)
		}
	}
	close(stop)
	work.Wait()
	for i, body := range b.drain(q) {
		if body != fmt.Sprint(i) {
			t.Fatalf("message %d is %q", i, body)
		}
	}
	if strings.Contains(b.log.String(), "close the channel") {
		t.Errorf("a bad publish came to the main channel:\n%s", b.log)
	}
}

// Another program deletes an exchange while publishes to it and to another are
// in flight. Each outcome is true, the order is kept, and nothing comes twice.
func TestExchangeDeletedUnderway(t *testing.T) {
	url := rabbitmqtest.Shared(t).VHost(t)
	b := open(t, url, nil)
	other := open(t, url, nil)
	good := b.queue(pubsub.Queue{Name: "good"})
	bad := b.queue(pubsub.Queue{Name: "bad"})
	const rounds = 8
	unconfirmed, notFound, discarded := 0, 0, 0
	for round := range rounds {
		b.exchange(pubsub.Exchange{Name: "x", Kind: pubsub.Fanout})
		b.bind(pubsub.Binding{Exchange: "x", Queue: bad})
		b.publish("x", "", "warm")
		b.drain(bad)

		type sent struct {
			toX  bool
			body string
			err  error
		}
		var all []sent
		var flights []pubsub.Confirmation
		deleted := make(chan error, 1)
		for i := range 1000 {
			if i == 300 {
				go func() { deleted <- other.DeleteExchange(b.ctx, "x", nil) }()
			}
			s := sent{toX: i%(round+2) == 0, body: fmt.Sprintf("%04d", i)}
			if i%40 == 0 {
				s.body += strings.Repeat("large", 5000) // can't be sent again
			}
			exchange, key := "", good
			if s.toX {
				exchange, key = "x", ""
			}
			all = append(all, s)
			// Mandatory, because while RabbitMQ deletes an exchange it routes to
			// nowhere for a moment.
			flights = append(flights, b.PublishAsync(b.ctx, exchange, key, pubsub.Message{Body: []byte(s.body)}, pubsub.Mandatory))
		}
		for i, f := range flights {
			all[i].err = f.Wait(b.ctx)
		}
		b.ok(<-deleted)

		count := map[string]int{}
		for _, queue := range []string{good, bad} {
			last := ""
			for _, body := range b.drain(queue) {
				count[body]++
				if body <= last {
					t.Errorf("%.4s came after %.4s", body, last)
				}
				last = body
			}
		}
		for _, s := range all {
			n := count[s.body]
			switch {
			case s.err == nil && n != 1:
				t.Errorf("%.4s was confirmed and came %d times", s.body, n)
			case errors.Is(s.err, pubsub.ErrUnconfirmed):
				unconfirmed++
				if n > 1 {
					t.Errorf("%.4s came %d times", s.body, n)
				}
			case errors.Is(s.err, pubsub.ErrNotFound), errors.Is(s.err, pubsub.ErrUnroutable):
				notFound++
				if !s.toX || n != 0 {
					t.Errorf("%.4s, to x: %v, came %d times: %v", s.body, s.toX, n, s.err)
				}
			case errors.Is(s.err, pubsub.ErrUnavailable):
				discarded++
				if n != 0 || len(s.body) < 20_000 {
					t.Errorf("%.4s, of %d bytes, came %d times: %v", s.body, len(s.body), n, s.err)
				}
			case s.err != nil:
				t.Errorf("%.4s: %v", s.body, s.err)
			}
		}
	}
	again := strings.Count(b.log.String(), "close the channel")
	t.Logf("%d rounds: the main channel was closed %d times; %d outcomes unknown, %d not found or unroutable, %d discarded", rounds, again, unconfirmed, notFound, discarded)
	if again == 0 || notFound == 0 {
		t.Error("no deletion hit a publish in flight: this tests nothing")
	}
}

// Messages that differ only in a header, in flight together: each return finds
// its own publish.
func TestReturnsFindTheirPublish(t *testing.T) {
	b := open(t, rabbitmqtest.Shared(t).VHost(t), nil)
	q := b.queue(pubsub.Queue{Name: "q", Durable: true})
	b.bind(pubsub.Binding{Exchange: "amq.headers", Queue: q, Arguments: pubsub.Table{"to": "q"}})
	b.publish("amq.headers", "", "warm")
	const n = 600
	var flights [n]pubsub.Confirmation
	message := func(i int) pubsub.Message {
		m := pubsub.Message{Body: []byte("alike"), Headers: pubsub.Table{"to": "nobody", "BCC": []any{}}}
		if i%3 == 0 {
			// These wait for the disk: their confirms come after those of
			// others that were sent later.
			m.Headers["to"], m.DeliveryMode = "q", pubsub.Persistent
		}
		return m
	}
	for i := range flights {
		flights[i] = b.PublishAsync(b.ctx, "amq.headers", "", message(i), pubsub.Mandatory)
	}
	for i, f := range flights {
		err := f.Wait(b.ctx)
		if i%3 == 0 {
			b.ok(err)
		} else {
			fails(t, err, pubsub.ErrUnroutable, "NO_ROUTE")
		}
	}
	if got := len(b.drain(q)); got != n/3 {
		t.Errorf("%d messages in the queue; want %d", got, n/3)
	}
}

// The owner of a message may change it once PublishAsync has returned, even
// if it is sent again.
func TestLargeMessagesAndReuse(t *testing.T) {
	b := open(t, rabbitmqtest.Shared(t).VHost(t), nil)
	q := b.queue(pubsub.Queue{Name: "q"})
	body := make([]byte, 3<<20)
	for i := range 4 {
		for j := range body {
			body[j] = byte(i)
		}
		f := b.PublishAsync(b.ctx, "", q, pubsub.Message{Body: body})
		clear(body)
		b.ok(f.Wait(b.ctx))
	}
	for i, got := range b.drain(q) {
		if len(got) != len(body) || got[0] != byte(i) || got[len(got)-1] != byte(i) {
			t.Errorf("message %d: %d bytes, the first %d", i, len(got), got[0])
		}
	}
}

// RabbitMQ takes no publishes while it is short of memory: Publish waits within its
// context, consuming goes on, and so does publishing after that.
func TestBlocked(t *testing.T) {
	node := rabbitmqtest.Run(t, &rabbitmqtest.Options{WithoutManagement: true})
	b := open(t, node.URL(), nil)
	q := b.queue(pubsub.Queue{Name: "q"})
	b.publish("", q, "before")
	c := b.consume(q, nil)
	alarm := func(watermark string) {
		t.Helper()
		if _, err := node.Ctl(b.ctx, "set_vm_memory_high_watermark", watermark); err != nil {
			t.Fatal(err)
		}
	}
	alarm("0")
	// RabbitMQ says that it blocks only when it gets a publish.
	var err error
	b.eventually("the broker to block", func() bool {
		ctx, cancel := context.WithTimeout(b.ctx, 100*time.Millisecond)
		defer cancel()
		err = b.Publish(ctx, "", q, pubsub.Message{Body: []byte("maybe")})
		return err != nil && strings.Contains(err.Error(), "takes no publishes")
	})
	fails(t, err, pubsub.ErrUnavailable, "memory")
	fails(t, err, context.DeadlineExceeded)

	b.ok(b.next(c, "before").Ack(b.ctx))
	if _, err := b.InspectQueue(b.ctx, q); err != nil {
		t.Error("while publishing is blocked:", err)
	}
	waiting := make(chan error)
	go func() { waiting <- b.Publish(b.ctx, "", q, pubsub.Message{Body: []byte("after")}) }()
	alarm("0.8")
	b.ok(<-waiting)
	for {
		d, err := c.Receive(b.ctx)
		b.ok(err)
		b.ok(d.Ack(b.ctx))
		if string(d.Body) == "after" {
			break
		}
	}

	// Close doesn't wait for a broker that doesn't read.
	alarm("0")
	b.eventually("the broker to block again", func() bool {
		ctx, cancel := context.WithTimeout(b.ctx, 100*time.Millisecond)
		defer cancel()
		b.PublishAsync(ctx, "", q, pubsub.Message{})
		return strings.Count(b.log.String(), "takes no publishes for now") == 2
	})
	start := time.Now()
	b.ok(b.Close())
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("Close took %v while the broker blocked", d)
	}
}

// What would make RabbitMQ close the connection is refused before.
func TestRefusedHere(t *testing.T) {
	b := open(t, rabbitmqtest.Shared(t).VHost(t), nil)
	q := b.queue(pubsub.Queue{Name: "q"})
	_, err := b.DeclareQueue(b.ctx, pubsub.Queue{Name: "t", Arguments: pubsub.Table{"x-queue-type": "heap"}})
	fails(t, err, pubsub.ErrPreconditionFailed, "heap", "quorum")
	_, err = b.DeclareQueue(b.ctx, pubsub.Queue{Name: "t", Arguments: pubsub.Table{"x-queue-type": int32(1)}})
	fails(t, err, pubsub.ErrPreconditionFailed)
	_, err = b.InspectQueue(b.ctx, "amq.rabbitmq.reply-to.gone")
	fails(t, err, pubsub.ErrUnsupported)
	_, err = b.Consume(b.ctx, "amq.rabbitmq.reply-to", &pubsub.ConsumeOptions{AutoAck: true})
	fails(t, err, pubsub.ErrUnsupported, "reply-to")

	large := pubsub.Table{"h": strings.Repeat("x", 200_000)}
	fails(t, b.Publish(b.ctx, "", q, pubsub.Message{Headers: large}), pubsub.ErrUnsupported, "frame")
	fails(t, b.Bind(b.ctx, pubsub.Binding{Exchange: "amq.headers", Queue: q, Arguments: large}), pubsub.ErrUnsupported, "frame")
	_, err = b.DeclareQueue(b.ctx, pubsub.Queue{Name: "t", Arguments: large})
	fails(t, err, pubsub.ErrUnsupported, "frame")
	b.publish("", q, "x")
	if strings.Contains(b.log.String(), "lost") {
		t.Errorf("a connection was lost:\n%s", b.log)
	}
}
