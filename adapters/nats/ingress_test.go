package nats_test

import (
	"context"
	"fmt"
	"reflect"
	"testing"
	"time"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/gobindery/bindery/adapters/nats"
	"github.com/gobindery/bindery/adapters/nats/natstest"
	"github.com/gobindery/bindery/pubsub"
)

// plainClient opens a broker, and a connection of a client that knows nothing of it.
func plainClient(t *testing.T, parameters string) (context.Context, *pubsub.Broker, *natsgo.Conn, string) {
	t.Helper()
	s := natstest.RunServer(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	b, err := pubsub.Mux{"nats": nats.Scheme()}.Open(ctx, s.URL()+parameters, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	nc, err := natsgo.Connect(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return ctx, b, nc, s.URL()
}

func declare(t *testing.T, ctx context.Context, b *pubsub.Broker, queue string, bindings ...pubsub.Binding) {
	t.Helper()
	if _, err := b.DeclareQueue(ctx, pubsub.Queue{Name: queue, Durable: true}); err != nil {
		t.Fatal(err)
	}
	for _, bd := range bindings {
		bd.Queue = queue
		if err := b.Bind(ctx, bd); err != nil {
			t.Fatal(err)
		}
	}
}

// next receives one message and acknowledges it.
func next(t *testing.T, ctx context.Context, c *pubsub.Consumer) *pubsub.Envelope {
	t.Helper()
	d, err := c.Receive(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Ack(ctx); err != nil {
		t.Fatal(err)
	}
	return d.Envelope
}

// What plain clients publish enters exchanges, whoever routes it.
func TestIngress(t *testing.T) {
	t.Parallel()
	ctx, b, nc, url := plainClient(t, "?ingress=1")
	if err := b.DeclareExchange(ctx, pubsub.Exchange{Name: "web shop", Kind: pubsub.Topic}); err != nil {
		t.Fatal(err)
	}
	declare(t, ctx, b, "got", pubsub.Binding{Exchange: "web shop", Key: "#"})
	c, err := b.Consume(ctx, "got", nil)
	if err != nil {
		t.Fatal(err)
	}
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	publish := func(subject string, header natsgo.Header) {
		t.Helper()
		if _, err := js.PublishMsg(ctx, &natsgo.Msg{Subject: subject, Header: header, Data: []byte(subject)}); err != nil {
			t.Fatal(err)
		}
	}
	for _, m := range []struct {
		subject       string
		header        natsgo.Header
		exchange, key string
		message       pubsub.Message
	}{
		{"mq.=2F.x.web=20shop.order.new", nil, "web shop", "order.new", pubsub.Message{}},
		{"mq.=2F.x.web=20shop", nil, "web shop", "", pubsub.Message{}},
		{"mq.=2F.x.web=20shop.a=20b.=.c=zz", nil, "web shop", "a b..c=zz", pubsub.Message{}},
		{"mq.=2F.x.=.got", nil, "", "got", pubsub.Message{}},
		{"mq.=2F.x.web=20shop.k", natsgo.Header{"A": {"1"}, "B": {"2", "3"}, "Nats-Msg-Id": {"7"}, "CC": {"x"}, "Bindery-To": {"1-9"}}, "web shop", "k",
			pubsub.Message{Headers: pubsub.Table{"A": "1", "B": []any{"2", "3"}}}},
		{"mq.=2F.x.web=20shop", natsgo.Header{"Bindery": {"x=elsewhere&k=mine&ct=text/plain&uid=root&h.n=i32:5"}}, "web shop", "mine",
			pubsub.Message{ContentType: "text/plain", Headers: pubsub.Table{"n": int32(5)}}},
	} {
		publish(m.subject, m.header)
		got := next(t, ctx, c)
		if got.Exchange != m.exchange || got.RoutingKey != m.key || string(got.Body) != m.subject || got.ContentType != m.message.ContentType || got.UserID != "" {
			t.Errorf("%s came as %+v", m.subject, got)
		}
		if len(got.Headers)+len(m.message.Headers) > 0 && !reflect.DeepEqual(got.Headers, m.message.Headers) {
			t.Errorf("%s has the headers %v; want %v", m.subject, got.Headers, m.message.Headers)
		}
	}

	// Those that go nowhere, or can't be read, hold nobody up.
	publish("mq.=2F.x.nowhere.k", nil)
	publish("mq.=2F.x.web=20shop.k", natsgo.Header{"Bindery": {"h.n=i32:many"}})
	if got := next(t, ctx, c); got.RoutingKey != "k" || got.Headers != nil {
		t.Errorf("a header that can't be read came as %+v", got)
	}

	// What was published while nobody lets messages in comes later, once, in order.
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	const many = 500
	for i := range many {
		publish("mq.=2F.x.web=20shop."+fmt.Sprint(i), nil)
	}
	b, err = pubsub.Mux{"nats": nats.Scheme()}.Open(ctx, url+"?ingress=1", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if c, err = b.Consume(ctx, "got", nil); err != nil {
		t.Fatal(err)
	}
	for i := range many {
		if got := next(t, ctx, c); got.RoutingKey != fmt.Sprint(i) {
			t.Fatalf("the message %d has the key %s", i, got.RoutingKey)
		}
	}
}

// A plain subscriber sees what a queue gets, and a plain publisher's message in a queue's
// stream is one with the queue's name for its key.
func TestPlainClients(t *testing.T) {
	t.Parallel()
	ctx, b, nc, _ := plainClient(t, "/shop")
	declare(t, ctx, b, "tap", pubsub.Binding{Exchange: "amq.fanout"})
	sub, err := nc.SubscribeSync("mq.shop.q.tap.*")
	if err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := b.Publish(ctx, "amq.fanout", "k", pubsub.Message{Body: []byte("hello"), ContentType: "text/plain"}); err != nil {
		t.Fatal(err)
	}
	m, err := sub.NextMsgWithContext(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if got := m.Header.Get("Bindery"); string(m.Data) != "hello" || got != "x=amq.fanout&k=k&ct=text/plain" {
		t.Errorf("a plain subscriber sees %q with %q", m.Data, got)
	}
	c, err := b.Consume(ctx, "tap", nil)
	if err != nil {
		t.Fatal(err)
	}
	next(t, ctx, c)
	for _, header := range []natsgo.Header{nil, {"A": {"1"}}, {"Bindery": {"h.n=i32:many"}}, {"Bindery-Long": {"99"}}} {
		if _, err := nc.RequestMsgWithContext(ctx, &natsgo.Msg{Subject: m.Subject, Header: header, Data: []byte("plain")}); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []pubsub.Table{nil, {"A": "1"}, nil} { // the third can't be read
		got := next(t, ctx, c)
		if got.Exchange != "" || got.RoutingKey != "tap" || string(got.Body) != "plain" || !reflect.DeepEqual(got.Headers, want) {
			t.Errorf("a plain message came as %+v", got)
		}
	}
}
