package cloudevents

import (
	"encoding/json"
	"fmt"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/cloudevents/sdk-go/v2/types"

	"github.com/gobindery/bindery/pubsub"
)

const (
	prefix     = "cloudEvents:" // of attributes among the headers
	underscore = "cloudEvents_" // the same, for clients that can't have a colon

	mediaType = "application/cloudevents" // with a suffix for the format
	jsonType  = mediaType + "+json; charset=UTF-8"
)

// Binary returns the message that carries e in binary mode: the data is the
// body, the attributes are headers. It fails if e is not valid.
func Binary(e event.Event) (pubsub.Message, error) {
	if err := e.Validate(); err != nil {
		return pubsub.Message{}, fmt.Errorf("encode CloudEvent %q in binary mode: %w: %w", e.ID(), pubsub.ErrInvalid, err)
	}
	h := pubsub.Table{
		prefix + "specversion": e.SpecVersion(),
		prefix + "id":          e.ID(),
		prefix + "source":      e.Source(),
		prefix + "type":        e.Type(),
	}
	for name, value := range map[string]string{"subject": e.Subject(), "dataschema": e.DataSchema()} {
		if value != "" {
			h[prefix+name] = value
		}
	}
	if t := e.Time(); !t.IsZero() {
		h[prefix+"time"] = types.FormatTime(t)
	}
	for name, value := range e.Extensions() {
		v, err := header(value)
		if err != nil {
			return pubsub.Message{}, fmt.Errorf("encode CloudEvent %q in binary mode: extension %q: %w: %w", e.ID(), name, pubsub.ErrInvalid, err)
		}
		h[prefix+name] = v
	}
	return pubsub.Message{Headers: h, ContentType: e.DataContentType(), Body: e.Data()}, nil
}

// header is an extension's value in the type that the binding says.
func header(value any) (any, error) {
	switch v := value.(type) {
	case bool, string, []byte:
		return v, nil
	case int32:
		return int64(v), nil
	}
	return types.Format(value) // URIs and times
}

// Structured returns the message that carries e in structured mode: the body
// is the whole event in JSON. It fails if e is not valid.
func Structured(e event.Event) (pubsub.Message, error) {
	err := e.Validate()
	var body []byte
	if err == nil {
		body, err = json.Marshal(e)
	}
	if err != nil {
		return pubsub.Message{}, fmt.Errorf("encode CloudEvent %q in structured mode: %w: %w", e.ID(), pubsub.ErrInvalid, err)
	}
	return pubsub.Message{ContentType: jsonType, Body: body}, nil
}
