package rabbitmq_test

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/gobindery/bindery/adapters/rabbitmq/rabbitmqtest"
	"github.com/gobindery/bindery/pubsub"
)

// These show why this package does without the recovery of amqp091-go, as its
// documentation says. Where one fails with a new version, there may be less to
// do here.

// recovering is a connection that amqp091-go recovers, and a way to cut it.
func recovering(t *testing.T, url string) (*amqp.Connection, func()) {
	t.Helper()
	lines := &switchboard{}
	conn, err := amqp.DialConfig(url, amqp.Config{
		Recovery: &amqp.Recovery{ReconnectionConfig: &amqp.ReconnectionConfig{MaxRetryCount: 100, RetryInterval: 10 * time.Millisecond}},
		Dial: func(network, addr string) (net.Conn, error) {
			return lines.dial(context.Background(), network, addr)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	states := make(chan *amqp.StateChanged)
	conn.NotifyStateChange(states)
	t.Cleanup(func() {
		go conn.Close()
		for range states { // until it is closed, or a listener is left over
		}
	})
	return conn, func() {
		t.Helper()
		lines.cut()
		for s := range states {
			if s.To == amqp.StateOpen {
				return
			}
		}
		t.Fatal("the connection did not recover")
	}
}

// What was never confirmed counts as refused after a reconnect.
func TestLibraryRecoveryRefusesWhatIsUnknown(t *testing.T) {
	url := rabbitmqtest.Shared(t).VHost(t)
	b := open(t, url, nil)
	q := b.queue(pubsub.Queue{Name: "q"})
	conn, cut := recovering(t, url)
	ch, err := conn.Channel()
	b.ok(err)
	b.ok(ch.Confirm(false))
	// The cut may come when all are confirmed: then it is tried again.
	for range 50 {
		var flights []*amqp.DeferredConfirmation
		for range 1000 {
			f, err := ch.PublishWithDeferredConfirm("", q, false, false, amqp.Publishing{})
			b.ok(err)
			flights = append(flights, f)
		}
		cut()
		for _, f := range flights {
			if !f.Wait() {
				return // though no queue with a limit is there that could refuse any
			}
		}
	}
	t.Error("none was refused: either all were confirmed before each cut, or this has become exact")
}

// An ack for a delivery of the last connection acknowledges another message on
// the next.
func TestLibraryRecoveryAcknowledgesAnother(t *testing.T) {
	url := rabbitmqtest.Shared(t).VHost(t)
	b := open(t, url, nil)
	q := b.queue(pubsub.Queue{Name: "q"})
	for _, body := range []string{"1", "2", "3"} {
		b.publish("", q, body)
	}
	conn, cut := recovering(t, url)
	ch, err := conn.Channel()
	b.ok(err)
	b.ok(ch.Qos(2, 0, false))
	ds, err := ch.Consume(q, "", false, false, false, false, nil)
	b.ok(err)
	first, second := <-ds, <-ds
	b.ok(first.Ack(false))
	if third := <-ds; string(third.Body) != "3" {
		t.Fatalf("received %q; want 3", third.Body)
	}
	cut()
	if again := <-ds; string(again.Body) != "2" || !again.Redelivered {
		t.Fatalf("received %q; want 2 again", again.Body)
	}
	if again := <-ds; string(again.Body) != "3" {
		t.Fatalf("received %q; want 3 again", again.Body)
	}
	b.ok(second.Ack(false)) // of message 2, two connections ago: tag 2 is message 3 now
	b.ok(ch.Close())
	if left := b.drain(q); strings.Join(left, " ") != "2" {
		t.Errorf("the queue has %q; if 3 is among them, this has become exact", left)
	}
}

// What was declared by a channel is forgotten when that channel is closed.
func TestLibraryRecoveryForgetsClosedChannels(t *testing.T) {
	conn, cut := recovering(t, rabbitmqtest.Shared(t).VHost(t))
	ch, err := conn.Channel()
	if err != nil {
		t.Fatal(err)
	}
	q, err := ch.QueueDeclare("q", false, false, true, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := ch.Close(); err != nil {
		t.Fatal(err)
	}
	cut()
	if ch, err = conn.Channel(); err != nil {
		t.Fatal(err)
	}
	if _, err := ch.QueueDeclarePassive(q.Name, false, false, true, false, nil); err == nil {
		t.Error("the queue is there after the reconnect: this has become exact")
	}
}
