package pubsub

import (
	"fmt"
	"time"
)

// Message is a body with its properties: what a program publishes and what a
// consumer gets, the same on every backend. An empty property is one that
// isn't there. See the AMQP 0-9-1 specification, section 4.2.6 and class
// basic.
type Message struct {
	// Body is the payload. A publisher may reuse the slice once Publish or
	// PublishAsync has returned. A receiver must not change it: in memory, all
	// receivers of a message share one.
	Body []byte

	// Headers are the application's own typed fields; a headers exchange
	// routes by them. As with Body, a receiver must not change them. The
	// header "CC" (a list of strings) routes to further keys, "BCC" does and
	// is removed: https://www.rabbitmq.com/docs/sender-selected.
	Headers Table

	// ContentType and ContentEncoding describe the body, as in MIME.
	ContentType     string
	ContentEncoding string

	// DeliveryMode says whether a durable queue writes the message to disk.
	DeliveryMode DeliveryMode

	// Priority counts in queues with a MaxPriority.
	Priority uint8

	// Given says which properties are there although they are empty. Only who
	// relays messages for others looks at it.
	Given PropertyFlags

	// CorrelationID ties a reply to its request.
	CorrelationID string

	// ReplyTo names the queue for replies.
	ReplyTo string

	// Expiration is how long the message may wait in any one queue, in whole
	// milliseconds. Nil is for ever; zero drops it where no consumer takes it
	// at once. See
	// https://www.rabbitmq.com/docs/ttl#per-message-ttl-in-publishers.
	Expiration *time.Duration

	// MessageID is the application's own name for the message.
	MessageID string

	// Timestamp is when the message was made, in whole seconds: what is below
	// is cut off. It arrives in UTC.
	Timestamp time.Time

	// Type is the application's name for the kind of message.
	Type string

	// UserID, if set, must be the user of the connection; the broker checks
	// it. See https://www.rabbitmq.com/docs/validated-user-id.
	UserID string

	// AppID names the application that made the message.
	AppID string
}

// DeliveryMode says whether a durable queue writes a message to disk.
type DeliveryMode uint8

const (
	// Transient messages are gone when the broker restarts, as are those with
	// no DeliveryMode.
	Transient DeliveryMode = 1

	// Persistent messages in durable queues outlive a restart of the broker.
	Persistent DeliveryMode = 2
)

// PropertyFlags are the property flags of a message as AMQP sends them, bit 15
// for the content type: see the specification, section 4.2.6.1. AMQP can tell a
// content type that is empty from one that isn't there, a Message can't: a
// server sets the flags of what it got that is empty, and sends those on. A
// flag of a property that isn't empty means nothing. Adapters may drop them.
type PropertyFlags uint16

// validate checks everything that every backend would refuse.
func (m *Message) validate() error {
	if err := m.validateProperties(); err != nil {
		return err
	}
	return checkTable("header", m.Headers)
}

func (m *Message) validateProperties() error {
	if m.DeliveryMode > Persistent {
		return fmt.Errorf("%w: delivery mode is %d; it must be pubsub.Transient (1), pubsub.Persistent (2) or 0 for neither", ErrInvalid, m.DeliveryMode)
	}
	if m.Expiration != nil {
		if err := checkMillis("Expiration", *m.Expiration); err != nil {
			return err
		}
	}
	if !m.Timestamp.IsZero() && m.Timestamp.Unix() < 0 {
		return fmt.Errorf("%w: timestamp %v is before 1970", ErrInvalid, m.Timestamp)
	}
	return m.checkStrings()
}

// copyTo copies m into a message that is empty. Most messages have no strings:
// those of to are left alone then, which costs less than to write them, and much
// less while the garbage collector runs.
func (m *Message) copyTo(to *Message) {
	to.Body, to.Headers, to.Expiration = m.Body, m.Headers, m.Expiration
	to.DeliveryMode, to.Priority, to.Given = m.DeliveryMode, m.Priority, m.Given
	if !m.Timestamp.IsZero() {
		to.Timestamp = m.Timestamp
	}
	if m.hasStrings() {
		to.ContentType, to.ContentEncoding, to.CorrelationID, to.ReplyTo = m.ContentType, m.ContentEncoding, m.CorrelationID, m.ReplyTo
		to.MessageID, to.Type, to.UserID, to.AppID = m.MessageID, m.Type, m.UserID, m.AppID
	}
}

func (m *Message) hasStrings() bool {
	return m.ContentType != "" || m.ContentEncoding != "" || m.CorrelationID != "" || m.ReplyTo != "" ||
		m.MessageID != "" || m.Type != "" || m.UserID != "" || m.AppID != ""
}

func (m *Message) checkStrings() error {
	if !m.hasStrings() {
		return nil
	}
	for _, f := range [...]struct{ what, value string }{
		{"content type", m.ContentType},
		{"content encoding", m.ContentEncoding},
		{"correlation id", m.CorrelationID},
		{"reply-to", m.ReplyTo},
		{"message id", m.MessageID},
		{"type", m.Type},
		{"user id", m.UserID},
		{"app id", m.AppID},
	} {
		if err := checkName(f.what, f.value); err != nil {
			return err
		}
	}
	return nil
}
