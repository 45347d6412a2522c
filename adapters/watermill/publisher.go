package watermill

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/gobindery/bindery/pubsub"
)

// PublisherConfig is for [NewPublisher]. The zero value is useful.
type PublisherConfig struct {
	// Mapping says what topics are. A publisher doesn't look at its Queue,
	// Bindings and Group.
	Mapping Mapping

	// Marshaler makes what is published. Nil is [DefaultMarshaler].
	Marshaler Marshaler

	// Options are for each publish, as [pubsub.Mandatory].
	Options []pubsub.PublishOption
}

// Publisher is a message.Publisher on a pubsub.Broker. Make one with
// [NewPublisher]. Safe for concurrent use.
type Publisher struct {
	b        *pubsub.Broker
	config   PublisherConfig
	declared sync.Map // names of exchanges that this publisher has declared

	// publishing is held for reading by those that publish, so that Close
	// waits for them.
	publishing sync.RWMutex
	closed     bool // under publishing
}

var _ message.Publisher = (*Publisher)(nil)

// NewPublisher returns a publisher that uses b. Closing it leaves b open.
func NewPublisher(b *pubsub.Broker, c PublisherConfig) *Publisher {
	if c.Marshaler == nil {
		c.Marshaler = DefaultMarshaler{}
	}
	// By Watermill's rules a message is not changed once it is published, and
	// what a Marshaler returns is only ours.
	c.Options = append(slices.Clip(c.Options), pubsub.Immutable)
	return &Publisher{b: b, config: c}
}

// Publish sends messages and returns when the broker has taken responsibility
// for all of them. They are on their way together, in their order; one that
// fails doesn't keep the others. A *[PublishError] tells which have failed:
// publish those again.
//
// The first publish to an exchange declares it. Each message's context bounds
// its own publish. After Close the error is [pubsub.ErrClosed].
func (p *Publisher) Publish(topic string, messages ...*message.Message) error {
	p.publishing.RLock()
	defer p.publishing.RUnlock()
	if p.closed {
		return fmt.Errorf("publish to topic %q: %w: the publisher was closed", topic, pubsub.ErrClosed)
	}
	if len(messages) == 0 {
		return nil
	}
	exchange, err := p.prepare(topic, messages)
	if err != nil {
		return fmt.Errorf("publish to topic %q: %w", topic, err)
	}
	failed := p.publish(topic, exchange, messages)
	if failed == nil {
		return nil
	}
	if errors.Is(failed, pubsub.ErrNotFound) {
		p.declared.Delete(exchange) // somebody deleted it; the next publish declares it again
	}
	return failed
}

// prepare makes sure that a topic's exchange was declared, within the context of
// a message: a context that ends concerns only its own message. If all end,
// publish says so for each.
func (p *Publisher) prepare(topic string, messages []*message.Message) (exchange string, err error) {
	exchange = p.config.Mapping.exchange(topic).Name
	if _, ok := p.declared.Load(exchange); ok {
		return exchange, nil
	}
	for _, m := range messages {
		ctx := m.Context()
		if ctx.Err() != nil {
			continue
		}
		switch err := p.config.Mapping.declareExchange(ctx, p.b, topic); {
		case err == nil:
			p.declared.Store(exchange, struct{}{})
			return exchange, nil
		case ctx.Err() == nil:
			return "", err
		}
	}
	return exchange, nil
}

func (p *Publisher) publish(topic, exchange string, messages []*message.Message) error {
	if len(messages) == 1 {
		if err := p.publishOne(topic, exchange, messages[0]); err != nil {
			return &PublishError{Topic: topic, Total: 1, Messages: []MessageError{{UUID: messages[0].UUID, Err: err}}}
		}
		return nil
	}
	sent := make([]pubsub.Confirmation, len(messages))
	errs := make([]error, len(messages))
	for i, m := range messages {
		var out pubsub.Message
		if out, errs[i] = p.config.Marshaler.Marshal(topic, m); errs[i] == nil {
			sent[i] = p.b.PublishAsync(m.Context(), exchange, p.config.Mapping.key(topic, m), out, p.config.Options...)
		}
	}
	var failed []MessageError
	for i, m := range messages {
		if errs[i] == nil {
			errs[i] = sent[i].Wait(m.Context())
		}
		if errs[i] != nil {
			failed = append(failed, MessageError{Index: i, UUID: m.UUID, Err: errs[i]})
		}
	}
	if failed == nil {
		return nil
	}
	return &PublishError{Topic: topic, Total: len(messages), Messages: failed}
}

func (p *Publisher) publishOne(topic, exchange string, m *message.Message) error {
	out, err := p.config.Marshaler.Marshal(topic, m)
	if err != nil {
		return err
	}
	return p.b.Publish(m.Context(), exchange, p.config.Mapping.key(topic, m), out, p.config.Options...)
}

// Close waits for the calls of Publish that run, and refuses those that come
// later. A second call does nothing.
func (p *Publisher) Close() error {
	p.publishing.Lock()
	defer p.publishing.Unlock()
	p.closed = true
	return nil
}

// PublishError tells which messages of one [Publisher.Publish] have failed.
type PublishError struct {
	Topic    string
	Total    int            // how many were to be published
	Messages []MessageError // those that have failed, in their order
}

// MessageError is one message that was not published, as far as is known.
type MessageError struct {
	Index int    // its place among the arguments of Publish, from 0
	UUID  string // the message's
	Err   error  // why: of the marshaler, or of [pubsub.Broker.Publish]
}

// Error names the topic, the messages and the reasons.
func (e *PublishError) Error() string {
	var s strings.Builder
	fmt.Fprintf(&s, "publish to topic %q: %d of %d messages failed", e.Topic, len(e.Messages), e.Total)
	for i, m := range e.Messages {
		if i == 3 {
			fmt.Fprintf(&s, "; and %d more", len(e.Messages)-i)
			break
		}
		fmt.Fprintf(&s, "; message %d (%s): %v", m.Index+1, m.UUID, m.Err)
	}
	return s.String()
}

// Unwrap returns the reasons.
func (e *PublishError) Unwrap() []error {
	errs := make([]error, len(e.Messages))
	for i, m := range e.Messages {
		errs[i] = m.Err
	}
	return errs
}
