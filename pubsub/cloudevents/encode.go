package cloudevents

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/cloudevents/sdk-go/v2/event"

	"github.com/gobindery/bindery/pubsub"
)

const mediaType = "application/cloudevents" // with a suffix for the format

// Binary returns the message that carries e in binary mode: the data is the
// body, the attributes are headers. The error wraps [pubsub.ErrInvalid]: e is
// not valid, or its data are an event in structured mode, for which everybody
// would take the message. It keeps e's data.
func Binary(e event.Event) (pubsub.Message, error) {
	m, err := encodeBinary(&e)
	if err != nil {
		return pubsub.Message{}, encodeError(&e, "binary", err)
	}
	return m, nil
}

func encodeBinary(e *event.Event) (m pubsub.Message, err error) {
	all, err := attributes(e)
	if err != nil {
		return m, err
	}
	m.ContentType = e.DataContentType()
	if structured(m.ContentType) {
		return m, fmt.Errorf("its data of the type %s would be taken for the event; use Structured", m.ContentType)
	}
	delete(all, dataContentType)
	m.Headers = make(pubsub.Table, len(all))
	for name, v := range all {
		if n, ok := v.(int32); ok {
			v = int64(n) // AMQP's long, which the binding wants
		}
		m.Headers[prefix+name] = v
	}
	m.Body, err = dataOf(e)
	if m.ContentType == "" && len(m.Body) > 0 && e.SpecVersion() == event.CloudEventsVersionV1 && !e.DataBase64 && json.Valid(m.Body) {
		m.ContentType = event.ApplicationJSON // which JSON implies, and this mode doesn't
	}
	return m, err
}

// Structured returns the message that carries e in structured mode: the body
// is the whole event in JSON. The error wraps [pubsub.ErrInvalid]: e is not
// valid.
func Structured(e event.Event) (pubsub.Message, error) {
	body, err := encodeJSON(&e)
	if err != nil {
		return pubsub.Message{}, encodeError(&e, "structured", err)
	}
	return pubsub.Message{ContentType: mediaType + "+json; charset=UTF-8", Body: body}, nil
}

func encodeError(e *event.Event, mode string, err error) error {
	return fmt.Errorf("encode CloudEvent %q in %s mode: %w: %w", e.ID(), mode, pubsub.ErrInvalid, err)
}

// structured reports whether a content type says structured mode.
func structured(contentType string) bool {
	return len(contentType) >= len(mediaType) && strings.EqualFold(contentType[:len(mediaType)], mediaType)
}
