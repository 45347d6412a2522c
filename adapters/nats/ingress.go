package nats

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/gobindery/bindery/adapters/nats/internal/message"
	"github.com/gobindery/bindery/pubsub"
)

// ingress lets messages of other NATS clients into exchanges. What they publish on
// mq.VHOST.x.EXCHANGE.KEY is kept in one stream; connections with the parameter ingress=1 share
// it, publish each message, and ack it then. The id of its copies is that of the message in the
// stream: one that is taken again, since its ack was lost, is not stored twice.
type ingress struct {
	conn   *Conn
	broker *pubsub.Broker // checks what others publish as it does a program's
	id     string         // of the message that broker is at
	done   chan struct{}  // closed when all that was taken has an outcome

	stop context.CancelFunc // takes nothing more; done comes once the publisher has ended
}

// ingressWait is how long a message that was taken and has no outcome stays with its connection;
// then another gets it. It is well below dedupWindow.
const ingressWait = 30 * time.Second

// ingressMost is how many messages one connection has at a time.
const ingressMost = 256

// letIn begins to let messages in.
func (c *Conn) letIn(ctx context.Context) error {
	in := &ingress{conn: c, done: make(chan struct{})}
	in.broker = pubsub.New(&ingressAdapter{c, in}, nil)
	if _, err := in.consumer(ctx); err != nil {
		return err
	}
	background, cancel := context.WithCancel(context.Background())
	in.stop = cancel
	c.ingress = in
	c.running.Go(func() { in.run(background) })
	return nil
}

// consumer makes the stream and its consumer, unless they are there.
func (in *ingress) consumer(ctx context.Context) (jetstream.Consumer, error) {
	c := in.conn
	stream := c.names.ingressStream()
	err := c.createStream(ctx, jetstream.StreamConfig{
		Name: stream, Subjects: []string{c.names.ingressSubject(">")}, Storage: c.storage, Replicas: c.replicas,
		Description: "messages of other clients for the vhost " + c.names.vhost,
	})
	if err != nil {
		return nil, err
	}
	var consumer jetstream.Consumer
	err = c.try(ctx, "make the consumer of the stream "+stream, func(ctx context.Context) (err error) {
		consumer, err = c.js.CreateOrUpdateConsumer(ctx, stream, jetstream.ConsumerConfig{
			Durable: "ingress", AckPolicy: jetstream.AckExplicitPolicy, AckWait: ingressWait, MaxDeliver: -1, MaxAckPending: 16 * ingressMost,
		})
		return err
	})
	return consumer, err
}

// letting is a message on its way in.
type letting struct {
	msg     jetstream.Msg
	outcome pubsub.Confirmation
}

// run lets messages in until ctx ends.
func (in *ingress) run(ctx context.Context) {
	defer close(in.done)
	underway := make(chan letting, ingressMost)
	settled := make(chan struct{})
	go func() {
		defer close(settled)
		for l := range underway {
			in.settle(l)
		}
	}()
	for ctx.Err() == nil {
		if err := in.take(ctx, underway); err != nil && ctx.Err() == nil {
			in.conn.warn("messages of other clients can't be let in; it is tried again", err)
			select {
			case <-time.After(time.Second):
			case <-ctx.Done():
			}
		}
	}
	close(underway)
	<-settled
}

// take publishes messages until ctx ends, or the consumer is gone.
func (in *ingress) take(ctx context.Context, underway chan<- letting) error {
	consumer, err := in.consumer(ctx)
	if err != nil {
		return err
	}
	messages, err := consumer.Messages(jetstream.PullMaxMessages(ingressMost))
	if err != nil {
		return err
	}
	defer messages.Stop()
	for {
		m, err := messages.Next(jetstream.NextContext(ctx))
		switch {
		case ctx.Err() != nil:
			if err == nil {
				m.Nak()
			}
			return nil
		case errors.Is(err, jetstream.ErrNoHeartbeat):
			continue // the connection or a server is lost
		case err != nil:
			return err
		}
		underway <- letting{m, in.publish(m)}
	}
}

// publish sends one message to its exchange.
func (in *ingress) publish(m jetstream.Msg) pubsub.Confirmation {
	n := &in.conn.names
	exchange, key := n.parseIngress(m.Subject())
	ctx := context.Background() // the publisher ends after this
	msg := &nats.Msg{Subject: m.Subject(), Header: m.Headers(), Data: m.Data()}
	p, err := decode(msg)
	if err != nil {
		in.conn.warn("a message of another client has a header that can't be read; it goes without", err)
		p = &pubsub.Publication{Envelope: pubsub.Envelope{Message: pubsub.Message{Body: m.Data()}}}
	} else if isForeign(msg) {
		adopt(p, "")
	}
	if key == "" {
		key = p.RoutingKey
	}
	p.UserID = "" // nobody has checked it
	in.id = ""
	if about, err := m.Metadata(); err == nil {
		in.id = fmt.Sprintf("%s.%d.%d", about.Stream, about.Timestamp.UnixNano(), about.Sequence.Stream)
	}
	return in.broker.PublishAsync(ctx, exchange, key, p.Message)
}

// settle acks a message that was published.
func (in *ingress) settle(l letting) {
	err := l.outcome.Wait(context.Background())
	switch {
	case err == nil:
		l.msg.Ack()
	case errors.Is(err, pubsub.ErrUnconfirmed), errors.Is(err, pubsub.ErrUnavailable), errors.Is(err, pubsub.ErrClosed):
		l.msg.NakWithDelay(time.Second)
	default:
		in.conn.warn("a message of another client is dropped", err, "subject", l.msg.Subject())
		l.msg.Term()
	}
}

// ingressAdapter publishes what its broker has checked, under the id of the message at hand.
type ingressAdapter struct {
	*Conn
	ingress *ingress
}

// Publish is called by the goroutine that has set the id.
func (a *ingressAdapter) Publish(ctx context.Context, pub *pubsub.Publication) {
	out := &outgoing{pub: pub, id: a.ingress.id}
	out.header, out.body = encode(pub)
	if size, most := len(out.body)+len(out.header), a.limit-headerReserve; size > most {
		pub.Confirm(fmt.Errorf("%w: message size %d is larger than configured max size %d: the server's max_payload, less %d bytes", pubsub.ErrPreconditionFailed, size, most, headerReserve))
		return
	}
	if err := a.publisher.add(ctx, out, mostWaiting); err != nil {
		pub.Confirm(err)
	}
}

// isForeign reports whether a message that was decoded was not published by an adapter.
func isForeign(m *nats.Msg) bool { return len(m.Header[message.Header]) == 0 }

// adopt makes a message of another client one of the default exchange, with a key.
// Headers that mean something to NATS, and those that no client of RabbitMQ could be
// sent, it leaves out.
func adopt(p *pubsub.Publication, key string) {
	p.Exchange, p.RoutingKey, p.MoreKeys = "", key, nil
	for name := range p.Headers {
		if strings.HasPrefix(name, "Nats-") || strings.HasPrefix(name, "Bindery-") || name == "CC" || name == "BCC" || len(name) > 255 || !utf8.ValidString(name) {
			delete(p.Headers, name)
		}
	}
	if len(p.Headers) == 0 {
		p.Headers = nil
	}
}

// ingressStream is the stream of what other clients publish for exchanges.
func (n *names) ingressStream() string { return "MQI_" + hash(n.vhost) }

// ingressSubject is where they publish it: the exchange, and the key if there is one, follow.
func (n *names) ingressSubject(to string) string { return n.prefix + ".x." + to }

// parseIngress returns the exchange and the key of such a subject. The dots of the key are
// those of the subject; all else may be escaped.
func (n *names) parseIngress(subject string) (exchange, key string) {
	exchange, key, keyed := strings.Cut(strings.TrimPrefix(subject, n.ingressSubject("")), ".")
	exchange = word(exchange)
	if !keyed {
		return exchange, ""
	}
	words := strings.Split(key, ".")
	for i, w := range words {
		words[i] = word(w)
	}
	return exchange, strings.Join(words, ".")
}

// word is a token of a subject. One that isn't as escape writes it stands for itself.
func word(token string) string {
	if text, ok := unescape(token); ok {
		return text
	}
	return token
}
