package watermill_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/gobindery/bindery/adapters/memory"
	"github.com/gobindery/bindery/adapters/watermill"
	"github.com/gobindery/bindery/pubsub"
)

// patience is for what comes for sure, on a machine of any speed.
const patience = time.Minute

func newBroker(t testing.TB) *pubsub.Broker {
	b := pubsub.New(memory.NewServer().Connect(nil), nil)
	t.Cleanup(func() { b.Close() })
	return b
}

func newSubscriber(t testing.TB, b *pubsub.Broker, c watermill.SubscriberConfig) *watermill.Subscriber {
	s := watermill.NewSubscriber(b, c)
	t.Cleanup(func() { s.Close() })
	return s
}

func subscribe(t testing.TB, s *watermill.Subscriber, topic string) <-chan *message.Message {
	t.Helper()
	messages, err := s.Subscribe(context.Background(), topic)
	check(t, err)
	return messages
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func next(t testing.TB, messages <-chan *message.Message) *message.Message {
	t.Helper()
	select {
	case m, ok := <-messages:
		if !ok {
			t.Fatal("the channel is closed")
		}
		return m
	case <-time.After(patience):
		t.Fatal("no message came")
	}
	return nil
}

func ended(t testing.TB, what string, done <-chan struct{}) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatalf("%s did not end", what)
	}
}

// ready waits until a queue has n ready messages.
func ready(t testing.TB, b *pubsub.Broker, queue string, n int) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		info, err := b.InspectQueue(t.Context(), queue)
		check(t, err)
		if info.Ready == n {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s has %d ready messages, want %d", queue, info.Ready, n)
		}
	}
}

var group = watermill.Mapping{Group: "g"}

func publish(t testing.TB, b *pubsub.Broker, topic string, uuids ...string) {
	t.Helper()
	var messages []*message.Message
	for _, id := range uuids {
		messages = append(messages, message.NewMessage(id, []byte(id)))
	}
	check(t, watermill.NewPublisher(b, watermill.PublisherConfig{}).Publish(topic, messages...))
}

func TestEachSubscribeGetsAll(t *testing.T) {
	b := newBroker(t)
	s := newSubscriber(t, b, watermill.SubscriberConfig{})
	one, two := subscribe(t, s, "logs"), subscribe(t, s, "logs")
	publish(t, b, "logs", "m")
	next(t, one).Ack()
	next(t, two).Ack()
	check(t, s.Close())
	topology, err := b.Topology(t.Context())
	check(t, err)
	if len(topology.Queues) != 0 {
		t.Errorf("temporary queues are left: %v", topology.Queues)
	}
}

// A slow handler holds up nobody: the message behind is settled, and its
// context ends, while the one before is not.
func TestManyInFlight(t *testing.T) {
	b := newBroker(t)
	messages := subscribe(t, newSubscriber(t, b, watermill.SubscriberConfig{}), "t")
	publish(t, b, "t", "slow", "fast")
	slow, fast := next(t, messages), next(t, messages)
	fast.Ack()
	ended(t, "the context of the fast message", fast.Context().Done())
	if slow.Context().Err() != nil {
		t.Error("the context of the slow message has ended")
	}
	slow.Ack()
	ended(t, "the context of the slow message", slow.Context().Done())
}

func TestNack(t *testing.T) {
	dead := pubsub.DeadLetter{RoutingKey: new("dead")}
	queue := func(string) pubsub.Queue { return pubsub.Queue{Name: "q", DeadLetter: &dead} }
	for _, c := range []struct {
		name   string
		nack   watermill.Nack
		delay  time.Duration
		strict bool
		order  string // of what comes when the first message is nacked once
		dead   int
	}{
		{name: "requeue keeps the place with a prefetch of one", nack: watermill.NackRequeue, strict: true, order: "1 1 2 3"},
		{name: "requeue after a rest", nack: watermill.NackRequeue, delay: time.Millisecond, strict: true, order: "1 1 2 3"},
		{name: "reject", nack: watermill.NackReject, strict: true, order: "1 2 3", dead: 1},
		{name: "reject, many in flight", nack: watermill.NackReject, order: "1 2 3", dead: 1},
		{name: "again", nack: watermill.NackAgain, strict: true, order: "1 1 2 3"},
		{name: "again after a rest", nack: watermill.NackAgain, delay: time.Millisecond, strict: true, order: "1 1 2 3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBroker(t)
			_, err := b.DeclareQueue(t.Context(), pubsub.Queue{Name: "dead"})
			check(t, err)
			config := watermill.SubscriberConfig{
				Mapping: watermill.Mapping{Queue: queue}, Nack: c.nack, NackDelay: c.delay, StrictOrder: c.strict,
			}
			if c.nack == watermill.NackRequeue {
				config.Consume.Prefetch = 1
			}
			messages := subscribe(t, newSubscriber(t, b, config), "t")
			publish(t, b, "t", "1", "2", "3")
			var got []string
			for i := range strings.Fields(c.order) {
				m := next(t, messages)
				got = append(got, m.UUID)
				if i == 0 {
					m.Nack()
				} else {
					m.Ack()
				}
				ended(t, "a message's context", m.Context().Done())
			}
			if order := strings.Join(got, " "); order != c.order {
				t.Errorf("came %s, want %s", order, c.order)
			}
			ready(t, b, "dead", c.dead)
		})
	}
}

// With many in flight a message that is handed out again comes from another
// goroutine than the others, also while the subscriber is closed.
func TestAgainWhileClosing(t *testing.T) {
	b := newBroker(t)
	s := newSubscriber(t, b, watermill.SubscriberConfig{Mapping: group, Nack: watermill.NackAgain})
	messages := subscribe(t, s, "t")
	var uuids []string
	for i := range 200 {
		uuids = append(uuids, fmt.Sprint(i))
	}
	publish(t, b, "t", uuids...)
	for range 1000 {
		next(t, messages).Nack()
	}
	closed := make(chan struct{})
	go func() { defer close(closed); s.Close() }()
	for m := range messages {
		m.Nack()
	}
	ended(t, "Close", closed)
	ready(t, b, "t_g", len(uuids))
}

func TestCloseWaitsForHandlers(t *testing.T) {
	b := newBroker(t)
	s := newSubscriber(t, b, watermill.SubscriberConfig{Mapping: group, CloseTimeout: patience})
	messages := subscribe(t, s, "t")
	publish(t, b, "t", "handled", "left in the channel")
	m := next(t, messages)
	closed := make(chan struct{})
	go func() { defer close(closed); s.Close() }()
	for left := range messages { // until it is closed
		left.Nack()
	}
	select {
	case <-closed:
		t.Fatal("Close didn't wait for the handler")
	case <-m.Context().Done():
		t.Fatal("the handler's context has ended")
	default:
	}
	m.Ack()
	ended(t, "Close", closed)
	ready(t, b, "t_g", 1) // the other one
}

func TestCloseGivesUp(t *testing.T) {
	b := newBroker(t)
	s := newSubscriber(t, b, watermill.SubscriberConfig{Mapping: group, CloseTimeout: time.Millisecond})
	messages := subscribe(t, s, "t")
	publish(t, b, "t", "m")
	m := next(t, messages)
	check(t, s.Close())
	ended(t, "the context of the message", m.Context().Done())
	ready(t, b, "t_g", 1)
	if _, err := s.Subscribe(t.Context(), "t"); !errors.Is(err, pubsub.ErrClosed) {
		t.Errorf("Subscribe after Close: %v", err)
	}
	if err := s.SubscribeInitialize("t"); !errors.Is(err, pubsub.ErrClosed) {
		t.Errorf("SubscribeInitialize after Close: %v", err)
	}
}

// A queue that is deleted comes back with its binding, and the channel stays.
func TestQueueDeleted(t *testing.T) {
	b := newBroker(t)
	messages := subscribe(t, newSubscriber(t, b, watermill.SubscriberConfig{Mapping: group}), "t")
	_, err := b.DeleteQueue(t.Context(), "t_g", nil)
	check(t, err)
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		if info, err := b.InspectQueue(t.Context(), "t_g"); err == nil && info.Consumers == 1 {
			break
		}
		if time.Now().After(end) {
			t.Fatal("nobody consumes the queue again")
		}
	}
	publish(t, b, "t", "m")
	next(t, messages).Ack()
}

// refusing is an adapter that lets nobody consume, once it is told so.
type refusing struct {
	pubsub.Adapter
	refuses atomic.Bool
	refused chan struct{} // closed when it has
	once    sync.Once
}

func (a *refusing) Consume(ctx context.Context, queue string, o pubsub.ConsumeOptions) (pubsub.Subscription, error) {
	if a.refuses.Load() {
		a.once.Do(func() { close(a.refused) })
		return nil, pubsub.ErrAccessRefused
	}
	return a.Adapter.Consume(ctx, queue, o)
}

// A subscription may end while it can't consume its queue again, as when
// somebody else does so exclusively.
func TestCloseWithoutConsumer(t *testing.T) {
	a := &refusing{Adapter: memory.NewServer().Connect(nil), refused: make(chan struct{})}
	b := pubsub.New(a, nil)
	t.Cleanup(func() { b.Close() })
	s := newSubscriber(t, b, watermill.SubscriberConfig{Mapping: group})
	messages := subscribe(t, s, "t")
	a.refuses.Store(true)
	_, err := b.DeleteQueue(t.Context(), "t_g", nil)
	check(t, err)
	ended(t, "the wait for a refusal", a.refused)
	check(t, s.Close())
	if _, open := <-messages; open {
		t.Error("the channel is open")
	}
}

// Messages of others have no UUID, and headers of any type.
func TestForeignMessage(t *testing.T) {
	b := newBroker(t)
	messages := subscribe(t, newSubscriber(t, b, watermill.SubscriberConfig{Mapping: group, StrictOrder: true}), "t")
	headers := pubsub.Table{
		"text": "x", "number": int32(-7), "yes": true, "bytes": []byte("hi"), "none": nil,
		"time": time.Unix(0, 0), "decimal": pubsub.Decimal{Scale: 2, Value: 314}, "list": []any{"a", int64(1)},
	}
	check(t, b.Publish(t.Context(), "t", "", pubsub.Message{Body: []byte("foreign"), Headers: headers}))
	want := message.Metadata{
		"text": "x", "number": "-7", "yes": "true", "bytes": "aGk=", "none": "",
		"time": "1970-01-01T00:00:00Z", "decimal": "314e-2", "list": "[a 1]",
	}
	for _, settle := range []func(*message.Message) bool{(*message.Message).Nack, (*message.Message).Ack} {
		m := next(t, messages)
		if m.UUID == "" || string(m.Payload) != "foreign" || fmt.Sprint(m.Metadata) != fmt.Sprint(want) {
			t.Errorf("got %q %q %v, want a UUID and %v", m.UUID, m.Payload, m.Metadata, want)
		}
		settle(m)
	}
	check(t, b.Publish(t.Context(), "t", "", pubsub.Message{MessageID: "its own"}))
	m := next(t, messages)
	if m.UUID != "its own" {
		t.Errorf("UUID is %q, want the message id", m.UUID)
	}
	m.Ack()
	ended(t, "the context", m.Context().Done())
	ready(t, b, "t_g", 0)
}

type broken struct{ watermill.DefaultMarshaler }

var errBroken = errors.New("broken")

func (broken) Unmarshal(string, pubsub.Delivery) (*message.Message, error) { return nil, errBroken }

// A message that can't be read doesn't come for ever.
func TestUnreadable(t *testing.T) {
	b := newBroker(t)
	_, err := b.DeclareQueue(t.Context(), pubsub.Queue{Name: "dead"})
	check(t, err)
	subscribe(t, newSubscriber(t, b, watermill.SubscriberConfig{
		Marshaler: broken{},
		Mapping: watermill.Mapping{Queue: func(string) pubsub.Queue {
			return pubsub.Queue{Name: "q", DeadLetter: &pubsub.DeadLetter{RoutingKey: new("dead")}}
		}},
	}), "t")
	publish(t, b, "t", "m")
	ready(t, b, "dead", 1)
}

func TestPublishErrors(t *testing.T) {
	b := newBroker(t)
	_, err := b.DeclareQueue(t.Context(), pubsub.Queue{Name: "there"})
	check(t, err)
	p := watermill.NewPublisher(b, watermill.PublisherConfig{
		Mapping: watermill.Mapping{
			Exchange: func(string) pubsub.Exchange { return pubsub.Exchange{} },
			Key:      func(_ string, m *message.Message) string { return m.Metadata["to"] },
		},
		Options: []pubsub.PublishOption{pubsub.Mandatory},
	})
	var messages []*message.Message
	for _, to := range []string{"there", "nowhere", "there"} {
		m := message.NewMessage("to "+to, nil)
		m.Metadata["to"] = to
		messages = append(messages, m)
	}
	err = p.Publish("t", messages...)
	var failed *watermill.PublishError
	if !errors.As(err, &failed) || !errors.Is(err, pubsub.ErrUnroutable) {
		t.Fatalf("the error is %v", err)
	}
	if len(failed.Messages) != 1 || failed.Messages[0].Index != 1 || failed.Messages[0].UUID != "to nowhere" {
		t.Errorf("failed: %+v", failed.Messages)
	}
	ready(t, b, "there", 2)
	if !errors.Is(p.Publish("t", messages[1]), pubsub.ErrUnroutable) {
		t.Error("one message alone didn't fail")
	}
	check(t, p.Close())
	if err := p.Publish("t", messages...); !errors.Is(err, pubsub.ErrClosed) {
		t.Errorf("Publish after Close: %v", err)
	}
}

// strict is an adapter that, as those of servers, declares nothing within a
// context that has ended.
type strict struct{ pubsub.Adapter }

func (a strict) DeclareExchange(ctx context.Context, e pubsub.Exchange) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return a.Adapter.DeclareExchange(ctx, e)
}

// A message's context that has ended keeps no other message, also while the
// exchange is to be declared.
func TestPublishFirstContextEnded(t *testing.T) {
	b := pubsub.New(strict{memory.NewServer().Connect(nil)}, nil)
	t.Cleanup(func() { b.Close() })
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	p := watermill.NewPublisher(b, watermill.PublisherConfig{})
	one, two := message.NewMessageWithContext(ended, "1", nil), message.NewMessage("2", nil)
	for _, messages := range [][]*message.Message{{one}, {one, two}} {
		err := p.Publish("t", messages...)
		var failed *watermill.PublishError
		if !errors.As(err, &failed) || len(failed.Messages) != 1 || failed.Messages[0].UUID != "1" || !errors.Is(err, context.Canceled) {
			t.Errorf("the error is %v", err)
		}
	}
}

// An exchange that somebody deletes is declared again by the publish after the
// one that failed.
func TestExchangeDeleted(t *testing.T) {
	b := newBroker(t)
	p := watermill.NewPublisher(b, watermill.PublisherConfig{})
	check(t, p.Publish("t", message.NewMessage("1", nil)))
	check(t, b.DeleteExchange(t.Context(), "t", nil))
	if err := p.Publish("t", message.NewMessage("2", nil)); !errors.Is(err, pubsub.ErrNotFound) {
		t.Errorf("the error is %v", err)
	}
	check(t, p.Publish("t", message.NewMessage("2", nil)))
}

func TestFeed(t *testing.T) {
	b := newBroker(t)
	check(t, b.DeclareExchange(t.Context(), pubsub.Exchange{Name: "events", Kind: pubsub.Topic}))
	_, err := b.DeclareQueue(t.Context(), pubsub.Queue{Name: "q"})
	check(t, err)
	check(t, b.Bind(t.Context(), pubsub.Binding{Exchange: "events", Queue: "q", Key: "a.*"}))
	s := newSubscriber(t, b, watermill.SubscriberConfig{Mapping: group})
	check(t, s.SubscribeInitialize("t"))
	publish(t, b, "t", "a.1", "b.1", "a.2")

	ctx, stop := context.WithCancel(t.Context())
	fed := make(chan error, 1)
	go func() {
		fed <- watermill.Feed(ctx, s, "t", b, "events", func(m *message.Message) string { return m.UUID })
	}()
	ready(t, b, "q", 2)
	stop()
	check(t, <-fed)
	d, ok, err := b.Get(t.Context(), "q", nil)
	if err != nil || !ok || d.RoutingKey != "a.1" || d.Headers[watermill.UUIDHeader] != "a.1" {
		t.Errorf("got %v %v %v", d.Envelope, ok, err)
	}
	check(t, d.Ack(t.Context()))
}

// What can't be published stays where it was.
func TestFeedFails(t *testing.T) {
	b := newBroker(t)
	s := newSubscriber(t, b, watermill.SubscriberConfig{Mapping: group})
	check(t, s.SubscribeInitialize("t"))
	publish(t, b, "t", "1", "2")
	if err := watermill.Feed(t.Context(), s, "t", b, "missing", nil); !errors.Is(err, pubsub.ErrNotFound) {
		t.Errorf("the error is %v", err)
	}
	check(t, s.Close())
	ready(t, b, "t_g", 2)
}

// What was handed out when Feed is to end is published: nacked, it would be gone.
func TestFeedEnds(t *testing.T) {
	b := newBroker(t)
	check(t, b.DeclareExchange(t.Context(), pubsub.Exchange{Name: "events", Kind: pubsub.Fanout}))
	_, err := b.DeclareQueue(t.Context(), pubsub.Queue{Name: "dead"})
	check(t, err)
	s := newSubscriber(t, b, watermill.SubscriberConfig{Nack: watermill.NackReject, Mapping: watermill.Mapping{
		Queue: func(string) pubsub.Queue {
			return pubsub.Queue{Name: "q", DeadLetter: &pubsub.DeadLetter{RoutingKey: new("dead")}}
		},
	}})
	check(t, s.SubscribeInitialize("t"))
	for range 20 {
		publish(t, b, "t", slices.Repeat([]string{"m"}, 100)...)
		ctx, stop := context.WithCancel(t.Context())
		calls := 0
		check(t, watermill.Feed(ctx, s, "t", b, "events", func(*message.Message) string {
			if calls++; calls == 20 {
				stop()
			}
			return ""
		}))
		stop()
	}
	check(t, s.Close())
	if info, err := b.InspectQueue(t.Context(), "dead"); err != nil || info.Ready > 0 {
		t.Errorf("%d messages were rejected, %v", info.Ready, err)
	}
}

// unreached is an adapter without a connection: what is published waits for one
// as long as its context lasts.
type unreached struct{ pubsub.Adapter }

func (a unreached) Publish(ctx context.Context, p *pubsub.Publication) {
	<-ctx.Done()
	p.Confirm(ctx.Err())
}

// handedOut is a subscriber with one message, whose channel ends with ctx.
type handedOut struct{ m *message.Message }

func (s handedOut) Subscribe(ctx context.Context, _ string) (<-chan *message.Message, error) {
	messages := make(chan *message.Message, 1)
	messages <- s.m
	context.AfterFunc(ctx, func() { close(messages) })
	return messages, nil
}

func (handedOut) Close() error { return nil }

// What can't be sent for a few seconds when Feed is to end is nacked.
func TestFeedGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := pubsub.New(unreached{memory.NewServer().Connect(nil)}, nil)
		defer b.Close()
		m := message.NewMessage("1", nil)
		ctx, stop := context.WithCancel(t.Context())
		stop()
		start := time.Now()
		check(t, watermill.Feed(ctx, handedOut{m}, "t", b, "events", nil))
		if took := time.Since(start); took != 5*time.Second {
			t.Errorf("Feed gave up after %v; want 5 s", took)
		}
		select {
		case <-m.Nacked():
		default:
			t.Error("the message is not nacked")
		}
	})
}
