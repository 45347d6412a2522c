package amqpserver_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/gobindery/bindery/adapters/amqpserver"
	"github.com/gobindery/bindery/adapters/amqpserver/internal/wire"
	"github.com/gobindery/bindery/adapters/memory"
	"github.com/gobindery/bindery/pubsub"
)

// asked is an adapter that leaves the outcome of publishes to the test.
type asked struct {
	pubsub.Adapter
	publishes chan *pubsub.Publication
}

func (a asked) Publish(_ context.Context, p *pubsub.Publication) { a.publishes <- p }

// A publish may fail while the next one's content is still on its way. What
// comes of that is passed over, and the channel's number is free again.
func TestChannelFailsWithinContent(t *testing.T) {
	t.Parallel()
	a := asked{memory.NewServer().Connect(nil), make(chan *pubsub.Publication, 1)}
	client := dialRaw(t, serveAs(t, &amqpserver.Server{
		Connect: func(context.Context, amqpserver.Login) (pubsub.Adapter, error) { return a, nil },
	}))
	client.open()
	publish := method(1, &wire.BasicPublish{Exchange: "nope"})
	client.send(publish + contentHeader(60, 0, 0, "\x00\x00"))
	p := <-a.publishes
	client.send(publish + method(2, &wire.ChannelOpen{}))
	client.expect("channel.open-ok") // the second publish has begun
	p.Confirm(fmt.Errorf("%w: no exchange 'nope'", pubsub.ErrNotFound))
	client.expect("channel.close")
	client.send(contentHeader(60, 0, 1, "\x00\x00") + method(1, &wire.ChannelCloseOk{}) + method(1, &wire.ChannelOpen{}))
	client.expect("channel.open-ok")
	client.send(method(0, &wire.ConnectionClose{}))
	client.expect("connection.close-ok")
}
