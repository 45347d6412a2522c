package amqpserver_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/gobindery/bindery/adapters/amqpserver"
	"github.com/gobindery/bindery/adapters/memory"
	"github.com/gobindery/bindery/adapters/rabbitmq"
	"github.com/gobindery/bindery/pubsub"
	amqp "github.com/rabbitmq/amqp091-go"
)

// TestListing: what there is comes through AMQP as it is, with types that JSON
// doesn't have.
func TestListing(t *testing.T) {
	broker := memory.NewServer()
	direct := pubsub.New(broker.Connect(nil), nil)
	defer direct.Close()
	deep := any("end")
	for range 31 {
		deep = []any{deep}
	}
	everything := pubsub.Table{
		"nil": nil, "bool": true, "i8": int8(-1), "i32": int32(5), "i64": int64(1 << 62), "float": 2.0, "f32": float32(1.5), "text": "undefined",
		"bytes": []byte{0xff}, "time": time.Unix(1_700_000_000, 0).UTC(), "decimal": pubsub.Decimal{Scale: 2, Value: 314},
		"list": []any{int64(1), "a"}, "table": pubsub.Table{"k": int32(1)}, "deep": deep,
	}
	for _, e := range []pubsub.Exchange{
		{Name: "a", Kind: pubsub.Headers, Durable: true, Alternate: "b", Arguments: everything},
		{Name: "b", Kind: pubsub.Fanout, AutoDelete: true, Internal: true},
	} {
		if err := direct.DeclareExchange(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	length, ttl, key := 0, time.Minute, ""
	for _, q := range []pubsub.Queue{
		{Name: "p", Durable: true, MaxLength: &length, MessageTTL: &ttl, DeadLetter: &pubsub.DeadLetter{RoutingKey: &key}, MaxPriority: 9, Arguments: pubsub.Table{"x-own": everything["decimal"]}},
		{Name: "q", Exclusive: true, Expires: time.Hour, SingleActiveConsumer: true},
	} {
		if _, err := direct.DeclareQueue(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	arguments := everything.Clone()
	delete(arguments, "nil")
	for _, b := range []pubsub.Binding{
		{Exchange: "a", Queue: "p", Key: "å.#", Arguments: arguments}, {Exchange: "a", ToExchange: "b"}, {Exchange: "amq.topic", Queue: "q", Key: "*"},
	} {
		if err := direct.Bind(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		if err := direct.Publish(t.Context(), "", "q", pubsub.Message{}); err != nil {
			t.Fatal(err)
		}
	}
	c, err := direct.Consume(t.Context(), "q", &pubsub.ConsumeOptions{Prefetch: 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Receive(t.Context()); err != nil {
		t.Fatal(err)
	}
	want, err := direct.Topology(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	a, err := rabbitmq.Open(t.Context(), "amqp://"+serve(t, broker), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	for range 3 { // one after another is no second one at the same time
		got, err := a.Topology(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(withoutEmpty(got), withoutEmpty(want)) {
			t.Errorf("listed over AMQP\n%+v\nwant\n%+v", got, want)
		}
	}
}

// withoutEmpty makes no difference between no arguments and none.
func withoutEmpty(t pubsub.Topology) pubsub.Topology {
	tidy := func(args *pubsub.Table) {
		if len(*args) == 0 {
			*args = nil
		}
	}
	for i := range t.Exchanges {
		tidy(&t.Exchanges[i].Arguments)
	}
	for i := range t.Queues {
		tidy(&t.Queues[i].Arguments)
	}
	for i := range t.Bindings {
		tidy(&t.Bindings[i].Arguments)
	}
	return t
}

// TestListingIsBounded: a client has one listing at a time.
func TestListingIsBounded(t *testing.T) {
	conn, err := amqp.Dial("amqp://" + serve(t, memory.NewServer()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	const queue = "amq.bindery.topology"
	for _, c := range []struct {
		noAck bool
		code  int
	}{{false, amqp.PreconditionFailed}, {true, 0}, {true, amqp.AccessRefused}} {
		ch, err := conn.Channel()
		if err != nil {
			t.Fatal(err)
		}
		_, err = ch.Consume(queue, "", c.noAck, false, false, false, nil)
		if e, _ := errors.AsType[*amqp.Error](err); (e == nil) != (c.code == 0) || e != nil && e.Code != c.code {
			t.Errorf("consuming with no-ack %v: %v, want the code %d", c.noAck, err, c.code)
		}
	}
}

// blind is an adapter that can't list.
type blind struct{ pubsub.Adapter }

func TestListingUnsupported(t *testing.T) {
	broker := memory.NewServer()
	s := &amqpserver.Server{Connect: func(context.Context, amqpserver.Login) (pubsub.Adapter, error) {
		return blind{broker.Connect(nil)}, nil
	}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	defer func() { s.Close(); <-served }()
	a, err := rabbitmq.Open(t.Context(), fmt.Sprintf("amqp://%s", l.Addr()), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if _, err := a.Topology(t.Context()); !errors.Is(err, pubsub.ErrUnsupported) || !strings.HasSuffix(err.Error(), "the server's backend can't list what there is") {
		t.Errorf("listing: %v", err)
	}
}
