package watermill

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/gobindery/bindery/pubsub"
)

// UUIDHeader is the header that carries a message's UUID. It is Watermill's own
// convention for AMQP: watermill-amqp reads and writes the same.
const UUIDHeader = "_watermill_message_uuid"

// Marshaler makes a message of the model from one of Watermill, and back. Its
// methods are called by several goroutines at once.
type Marshaler interface {
	// Marshal makes what is published. It must not keep the message, nor
	// change the headers and body that it returned.
	Marshal(topic string, m *message.Message) (pubsub.Message, error)

	// Unmarshal makes what a subscriber gets. The delivery's body and headers
	// must not be changed. A delivery that fails is rejected: its queue's
	// dead-letter exchange gets it.
	Unmarshal(topic string, d pubsub.Delivery) (*message.Message, error)
}

// DefaultMarshaler speaks as watermill-amqp does by default: metadata are
// headers, the UUID is [UUIDHeader], and messages are persistent. Of messages
// from others it takes all: see Unmarshal.
type DefaultMarshaler struct {
	// Transient leaves out the delivery mode persistent: then a message is
	// gone when the broker restarts.
	Transient bool
}

// Marshal puts metadata into headers, as strings. A metadata entry with the
// name [UUIDHeader] gives way to the UUID.
func (c DefaultMarshaler) Marshal(_ string, m *message.Message) (pubsub.Message, error) {
	headers := make(pubsub.Table, len(m.Metadata)+1)
	for k, v := range m.Metadata {
		headers[k] = v
	}
	headers[UUIDHeader] = m.UUID
	p := pubsub.Message{Body: m.Payload, Headers: headers, DeliveryMode: pubsub.Persistent}
	if c.Transient {
		p.DeliveryMode = 0
	}
	return p, nil
}

// Unmarshal makes metadata of headers. One that is no string is text: numbers
// and truth values as Go writes them, times as RFC 3339, bytes as base64, and
// lists and tables as fmt prints them. Without [UUIDHeader], or if that is
// empty or no string, the UUID is the property message id; without that it is
// a new one, another for each delivery.
func (c DefaultMarshaler) Unmarshal(_ string, d pubsub.Delivery) (*message.Message, error) {
	uuid, ok := d.Headers[UUIDHeader].(string)
	if !ok || uuid == "" {
		uuid = d.MessageID
	}
	if uuid == "" {
		uuid = watermill.NewUUID()
	}
	m := message.NewMessage(uuid, d.Body)
	if ok && len(d.Headers) == 1 {
		return m, nil
	}
	for k, v := range d.Headers {
		if k != UUIDHeader {
			m.Metadata[k] = text(v)
		}
	}
	return m, nil
}

// text makes a header readable.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case nil:
		return ""
	case []byte:
		return base64.StdEncoding.EncodeToString(v)
	case time.Time:
		return v.UTC().Format(time.RFC3339)
	case pubsub.Decimal:
		digits := strconv.FormatInt(int64(v.Value), 10)
		if v.Scale == 0 {
			return digits
		}
		return digits + "e-" + strconv.Itoa(int(v.Scale))
	}
	return fmt.Sprint(v)
}
