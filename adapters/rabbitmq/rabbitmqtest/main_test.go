package rabbitmqtest_test

import (
	"context"
	"crypto/tls"
	"os"
	"strings"
	"testing"
	"time"

	amqp091 "github.com/rabbitmq/amqp091-go"
	"go.uber.org/goleak"

	"github.com/gobindery/bindery/adapters/rabbitmq/rabbitmqtest"
)

// dieVariable makes this program a test process that dies hard: it starts a
// node, prints where it is, and waits to be killed. See TestHardDeath.
const dieVariable = "RABBITMQTEST_WAIT_TO_BE_KILLED"

func TestMain(m *testing.M) {
	if os.Getenv(dieVariable) != "" {
		waitToBeKilled()
	}
	goleak.VerifyTestMain(rabbitmqtest.Main(m))
}

// within fails a test whose step takes longer than a loaded machine needs.
func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// dial opens a connection and a channel in confirm mode, closed with the test.
func dial(t *testing.T, url string, config *tls.Config) (*amqp091.Connection, *amqp091.Channel) {
	t.Helper()
	conn, err := amqp091.DialConfig(url, amqp091.Config{TLSClientConfig: config})
	if err != nil {
		t.Fatalf("dial: %v", err)
	}
	t.Cleanup(func() { conn.Close() })
	ch, err := conn.Channel()
	if err != nil {
		t.Fatalf("channel: %v", err)
	}
	if err := ch.Confirm(false); err != nil {
		t.Fatalf("confirm: %v", err)
	}
	return conn, ch
}

// publish sends a persistent message to a queue and waits for its confirm.
func publish(t *testing.T, ch *amqp091.Channel, queue, body string) {
	t.Helper()
	confirm, err := ch.PublishWithDeferredConfirmWithContext(t.Context(), "", queue, false, false,
		amqp091.Publishing{DeliveryMode: amqp091.Persistent, Body: []byte(body)})
	if err != nil {
		t.Fatalf("publish: %v", err)
	}
	if ok, err := confirm.WaitContext(within(t)); !ok || err != nil {
		t.Fatalf("confirm: %v %v", ok, err)
	}
}

// consumeOne returns the body of the next message of a queue and acks it.
func consumeOne(t *testing.T, ch *amqp091.Channel, queue string) string {
	t.Helper()
	deliveries, err := ch.ConsumeWithContext(t.Context(), queue, "", false, false, false, false, nil)
	if err != nil {
		t.Fatalf("consume: %v", err)
	}
	select {
	case d := <-deliveries:
		if err := d.Ack(false); err != nil {
			t.Fatalf("ack: %v", err)
		}
		return string(d.Body)
	case <-within(t).Done():
		t.Fatalf("consume %s: no message came", queue)
		return ""
	}
}

// declare declares a durable queue.
func declare(t *testing.T, ch *amqp091.Channel, queue string) {
	t.Helper()
	if _, err := ch.QueueDeclare(queue, true, false, false, false, nil); err != nil {
		t.Fatalf("declare %s: %v", queue, err)
	}
}

// mustContain fails unless text has every part.
func mustContain(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("%q is missing in: %s", p, text)
		}
	}
}
