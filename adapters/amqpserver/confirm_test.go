package amqpserver_test

import (
	"context"
	"testing"
	"time"

	"github.com/gobindery/bindery/adapters/amqpserver"
	"github.com/gobindery/bindery/adapters/memory"
	"github.com/gobindery/bindery/pubsub"
	amqp "github.com/rabbitmq/amqp091-go"
)

// late is an adapter that confirms publishes in pairs: the first one when the
// second comes.
type late struct {
	pubsub.Adapter
	first *pubsub.Publication
}

func (a *late) Publish(_ context.Context, p *pubsub.Publication) {
	if a.first == nil {
		a.first = p
		return
	}
	a.first.Confirm(nil)
	p.Confirm(nil)
	a.first = nil
}

// Several outcomes may come during one publish: all are told before the server
// waits for more.
func TestLateConfirms(t *testing.T) {
	t.Parallel()
	broker := memory.NewServer()
	conn, err := amqp.Dial("amqp://guest:guest@" + serveAs(t, &amqpserver.Server{
		Connect: func(context.Context, amqpserver.Login) (pubsub.Adapter, error) {
			return &late{Adapter: broker.Connect(nil)}, nil
		},
	}))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ch, err := conn.Channel()
	if err != nil {
		t.Fatal(err)
	}
	if err := ch.Confirm(false); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for range 3 {
		var confirms [2]*amqp.DeferredConfirmation
		for i := range confirms {
			if confirms[i], err = ch.PublishWithDeferredConfirm("", "q", false, false, amqp.Publishing{}); err != nil {
				t.Fatal(err)
			}
		}
		for i, c := range confirms {
			if ok, err := c.WaitContext(ctx); err != nil || !ok {
				t.Fatalf("the confirm of publish %d: %v, %v", i+1, ok, err)
			}
		}
	}
}
