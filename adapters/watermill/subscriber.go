package watermill

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/gobindery/bindery/pubsub"
)

// DefaultCloseTimeout is [SubscriberConfig.CloseTimeout] where it is zero.
const DefaultCloseTimeout = 10 * time.Second

// SubscriberConfig is for [NewSubscriber]. The zero value is useful.
type SubscriberConfig struct {
	// Mapping says what topics are.
	Mapping Mapping

	// Marshaler makes messages of deliveries. Nil is [DefaultMarshaler].
	Marshaler Marshaler

	// Consume is for each consumer: how many messages are in flight at once is
	// its Prefetch. AutoAck is ignored: Watermill's messages are settled.
	Consume pubsub.ConsumeOptions

	// StrictOrder hands out a message only when the one before is settled.
	// Else up to the prefetch are handed out, in the queue's order, so that
	// a Router works on them at the same time. With Nack set to [NackAgain],
	// and one subscription to the queue, the order outlives nacks as well.
	StrictOrder bool

	// Nack is what becomes of a message that was nacked.
	Nack Nack

	// NackDelay is how long a message rests after a nack, before it comes
	// again. It counts against the prefetch meanwhile.
	NackDelay time.Duration

	// CloseTimeout is how long the end of a subscription waits for messages
	// that were handed out; then they return to their queue. Zero is
	// [DefaultCloseTimeout].
	CloseTimeout time.Duration

	// Logger gets what happens behind the program's back. Nil is silent.
	Logger watermill.LoggerAdapter
}

// Nack is what becomes of a message that was nacked.
type Nack uint8

const (
	// NackRequeue puts it back into its place in the queue: it may come again
	// at once, to this subscriber or another.
	NackRequeue Nack = iota

	// NackReject drops it, or dead-letters it if its queue has a dead-letter
	// exchange.
	NackReject

	// NackAgain hands it out again here, with StrictOrder before any other.
	// It stays with this subscriber until it is acked or the subscription
	// ends.
	NackAgain
)

// Subscriber is a message.Subscriber on a pubsub.Broker. Make one with
// [NewSubscriber]. Safe for concurrent use.
type Subscriber struct {
	b      *pubsub.Broker
	config SubscriberConfig

	life context.Context // ends with Close
	end  context.CancelFunc

	mu            sync.Mutex // that nothing begins after end
	subscriptions sync.WaitGroup
}

var (
	_ message.Subscriber           = (*Subscriber)(nil)
	_ message.SubscribeInitializer = (*Subscriber)(nil)
)

// NewSubscriber returns a subscriber that uses b. Closing it leaves b open.
func NewSubscriber(b *pubsub.Broker, c SubscriberConfig) *Subscriber {
	if c.Marshaler == nil {
		c.Marshaler = DefaultMarshaler{}
	}
	if c.CloseTimeout == 0 {
		c.CloseTimeout = DefaultCloseTimeout
	}
	if c.Logger == nil {
		c.Logger = watermill.NopLogger{}
	}
	c.Consume.AutoAck = false
	s := &Subscriber{b: b, config: c}
	s.life, s.end = context.WithCancel(context.Background())
	return s
}

// SubscribeInitialize declares what a topic needs: its exchange and, unless
// that is temporary, its queue with the bindings, which gets messages from then
// on.
func (s *Subscriber) SubscribeInitialize(topic string) error {
	if err := s.begin(); err != nil {
		return fmt.Errorf("declare topic %q: %w", topic, err)
	}
	defer s.subscriptions.Done()
	var err error
	if s.config.Mapping.queue(topic).Name == "" {
		err = s.config.Mapping.declareExchange(s.life, s.b, topic)
	} else {
		_, err = s.config.Mapping.declareQueue(s.life, s.b, topic)
	}
	if err != nil {
		return fmt.Errorf("declare topic %q: %w", topic, err)
	}
	return nil
}

// Subscribe declares a topic's queue and consumes it. Messages that are
// published once it has returned come, and those that were in the queue.
//
// A message's context is derived from ctx, and ends when the message is
// settled. When ctx ends, or the subscriber is closed, the channel is closed,
// and what nobody took from it returns to the queue. A queue that was deleted
// is declared again; the channel stays open.
func (s *Subscriber) Subscribe(ctx context.Context, topic string) (<-chan *message.Message, error) {
	if err := s.begin(); err != nil {
		return nil, fmt.Errorf("subscribe to topic %q: %w", topic, err)
	}
	sn := newSubscription(ctx, s, topic)
	if err := sn.open(); err != nil {
		sn.cancel()
		sn.stop()
		s.subscriptions.Done()
		return nil, fmt.Errorf("subscribe to topic %q: %w", topic, err)
	}
	go func() {
		defer s.subscriptions.Done()
		sn.run()
	}()
	return sn.out, nil
}

// begin counts one more user of the broker, for whom Close waits.
func (s *Subscriber) begin() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.life.Err() != nil {
		return fmt.Errorf("%w: the subscriber was closed", pubsub.ErrClosed)
	}
	s.subscriptions.Add(1)
	return nil
}

// Close ends all subscriptions in good order: nothing more is handed out, the
// channels are closed, and messages that were handed out may still be acked for
// the CloseTimeout. It returns when all is settled or back in its queue. A
// second call waits for the first.
func (s *Subscriber) Close() error {
	s.mu.Lock()
	s.end()
	s.mu.Unlock()
	s.subscriptions.Wait()
	return nil
}
