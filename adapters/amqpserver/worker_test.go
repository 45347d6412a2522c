package amqpserver_test

import (
	"context"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// worker is a client that means well: it publishes and consumes.
type worker struct {
	ch *amqp.Channel
	q  string
	in <-chan amqp.Delivery
}

func newWorker(t *testing.T, addr string) *worker {
	t.Helper()
	conn, err := amqp.Dial("amqp://guest:guest@" + addr)
	if err != nil {
		t.Fatalf("a working client can't connect: %v", err)
	}
	t.Cleanup(func() { conn.Close() })
	w := &worker{}
	if w.ch, err = conn.Channel(); err != nil {
		t.Fatal(err)
	}
	if err = w.ch.Confirm(false); err != nil {
		t.Fatal(err)
	}
	q, err := w.ch.QueueDeclare("", false, false, true, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	w.q = q.Name
	if w.in, err = w.ch.Consume(q.Name, "", false, false, false, false, nil); err != nil {
		t.Fatal(err)
	}
	return w
}

// work sends messages through the server, one after another, and returns how
// long the slowest took.
func (w *worker) work(t *testing.T, n int) (slowest time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for range n {
		began := time.Now()
		c, err := w.ch.PublishWithDeferredConfirm("", w.q, true, false, amqp.Publishing{Body: []byte("work")})
		if err != nil {
			t.Fatalf("a working client can't publish: %v", err)
		}
		if ok, err := c.WaitContext(ctx); !ok {
			t.Fatalf("a working client's message isn't taken: %v", err)
		}
		select {
		case d, ok := <-w.in:
			if !ok {
				t.Fatal("a working client is no longer served")
			}
			if err := d.Ack(false); err != nil {
				t.Fatal(err)
			}
		case <-ctx.Done():
			t.Fatal("a working client gets no message")
		}
		slowest = max(slowest, time.Since(began))
	}
	return slowest
}
