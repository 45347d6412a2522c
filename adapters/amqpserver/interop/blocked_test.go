package interop

import (
	"sync/atomic"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/gobindery/bindery/adapters/rabbitmq/rabbitmqtest"
)

// While a server is short of memory, who publishes is told so and waits, and
// who consumes goes on.
func TestBlocked(t *testing.T) {
	t.Run("RabbitMQ", func(t *testing.T) {
		t.Parallel()
		n := rabbitmqtest.Run(t, nil)
		blocked(t, n.URL(), func(on bool) {
			limit := "0.8"
			if on {
				limit = "0"
			}
			_, err := n.Ctl(t.Context(), "set_vm_memory_high_watermark", limit)
			must(t, err)
		})
	})
	t.Run("Bindery", func(t *testing.T) {
		t.Parallel()
		var used atomic.Int64
		s := server()
		s.MemoryLimit, s.MemoryUsed = 1<<20, used.Load
		blocked(t, serve(t, s), func(on bool) {
			if used.Store(0); on {
				used.Store(s.MemoryLimit)
			}
		})
	})
}

func blocked(t *testing.T, url string, alarm func(on bool)) {
	// connect opens a connection, which tells whether it is blocked.
	connect := func() (*amqp.Channel, <-chan amqp.Blocking) {
		conn, err := amqp.Dial(url)
		must(t, err)
		t.Cleanup(func() { conn.CloseDeadline(time.Now().Add(time.Second)) }) // one that waits isn't read
		ch, err := conn.Channel()
		must(t, err)
		must(t, ch.Confirm(false))
		return ch, conn.NotifyBlocked(make(chan amqp.Blocking, 1))
	}
	news := func(of <-chan amqp.Blocking, want amqp.Blocking) {
		t.Helper()
		select {
		case b, ok := <-of:
			if !ok || b != want {
				t.Fatalf("got %+v, %v; want %+v", b, ok, want)
			}
		case <-time.After(bound):
			t.Fatalf("got nothing; want %+v", want)
		}
	}
	publish := func(ch *amqp.Channel, queue, body string) *amqp.DeferredConfirmation {
		t.Helper()
		d, err := ch.PublishWithDeferredConfirm("", queue, false, false, amqp.Publishing{Body: []byte(body)})
		must(t, err)
		return d
	}
	on, off := amqp.Blocking{Active: true, Reason: "low on memory"}, amqp.Blocking{}

	consumer, consumerBlocked := connect()
	for _, name := range []string{"filling", "draining"} {
		_, err := consumer.QueueDeclare(name, false, false, false, false, nil)
		must(t, err)
	}
	publisher, publisherBlocked := connect()
	publish(publisher, "draining", "before").Wait()

	alarm(true)
	var waiting *amqp.DeferredConfirmation
	for told := false; !told; { // a message or two may come before the alarm does
		waiting = publish(publisher, "filling", "during")
		select {
		case <-waiting.Done():
		case b := <-publisherBlocked:
			if told = true; b != on {
				t.Fatalf("got %+v; want %+v", b, on)
			}
		case <-time.After(bound):
			t.Fatal("the publisher is neither served nor told anything")
		}
	}
	d, ok, err := consumer.Get("draining", true)
	if err != nil || !ok || string(d.Body) != "before" {
		t.Errorf("got %q, %v, %v while publishers wait", d.Body, ok, err)
	}
	late, lateBlocked := connect()
	if _, err := late.QueueDeclare("late", false, false, true, false, nil); err != nil {
		t.Errorf("declare on a connection that was opened while publishers wait: %v", err)
	}
	lateWaiting := publish(late, "late", "during")
	news(lateBlocked, on)
	select {
	case <-waiting.Done():
		t.Error("a publish was confirmed while publishers wait")
	case <-lateWaiting.Done():
		t.Error("a publish was confirmed while publishers wait")
	default:
	}

	alarm(false)
	news(publisherBlocked, off)
	news(lateBlocked, off)
	if !waiting.Wait() || !lateWaiting.Wait() {
		t.Error("a publish that waited was refused")
	}
	select {
	case b := <-consumerBlocked:
		t.Errorf("who published nothing was told %+v", b)
	default:
	}
}
