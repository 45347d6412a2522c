package cloudevents

import (
	"errors"
	"fmt"
	"mime"
	"strings"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/cloudevents/sdk-go/v2/types"

	"github.com/gobindery/bindery/pubsub"
)

// ErrNotEvent: the message carries no CloudEvent that this package can read.
var ErrNotEvent = errors.New("not a CloudEvent")

const (
	prefix     = "cloudEvents:" // of attributes among the headers
	underscore = "cloudEvents_" // the same, for clients that can't have a colon
	knative    = "ce-"          // what Knative reads beside no prefix, which it writes
)

// FromMessage returns the event that a message carries, in whichever mode. The
// error wraps [ErrNotEvent], and says what is missing or wrong. The event keeps
// the message's body in binary mode.
func FromMessage(m pubsub.Message) (event.Event, error) {
	e, err := decode(&m)
	if err == nil {
		err = validate(&e)
	}
	if err != nil {
		return event.Event{}, fmt.Errorf("%w: %w", ErrNotEvent, err)
	}
	return e, nil
}

func decode(m *pubsub.Message) (event.Event, error) {
	if !structured(m.ContentType) {
		return decodeBinary(m)
	}
	media, _, err := mime.ParseMediaType(m.ContentType)
	switch {
	case err != nil:
		return event.Event{}, fmt.Errorf("content type %q: %w", m.ContentType, err)
	case strings.HasPrefix(media, mediaType+"-batch"):
		return event.Event{}, fmt.Errorf("content type %q: a message carries one event, not a batch", m.ContentType)
	case media != mediaType+"+json" && media != mediaType:
		return event.Event{}, fmt.Errorf("content type %q: the only format that can be read is JSON, application/cloudevents+json", m.ContentType)
	}
	return decodeJSON(m.Body)
}

func decodeBinary(m *pubsub.Message) (event.Event, error) {
	for _, p := range [...]string{prefix, underscore, knative, ""} {
		if _, ok := m.Headers[p+specVersion].(string); ok {
			all, err := prefixed(m, p)
			if err != nil {
				return event.Event{}, err
			}
			// Without a type they are any bytes: in JSON they would be JSON.
			return build(all, m.Body, all[dataContentType] == nil && all[specVersion] == event.CloudEventsVersionV1)
		}
	}
	return event.Event{}, fmt.Errorf("it has no header %s%s, and its content type is %q, not %s+json", prefix, specVersion, m.ContentType, mediaType)
}

// prefixed returns the attributes whose headers have a prefix. One message has
// the same for all.
func prefixed(m *pubsub.Message, p string) (map[string]any, error) {
	all := map[string]any{}
	for name, v := range m.Headers {
		a, ok := strings.CutPrefix(name, p)
		if !ok || v == nil || p == "" && foreign(name, v) {
			continue
		}
		if err := set(all, a, v); err != nil {
			return nil, err
		}
	}
	if v, ok := all[dataContentType]; ok && v != m.ContentType {
		return nil, fmt.Errorf("attribute %s is %v, but the message's content type is %q", dataContentType, v, m.ContentType)
	}
	delete(all, dataContentType)
	if m.ContentType != "" {
		all[dataContentType] = m.ContentType
	}
	return all, nil
}

// foreign reports whether a header without a prefix is no attribute: Knative
// writes the content type and the context of a trace beside them.
func foreign(name string, v any) bool {
	switch name {
	case "traceparent", "tracestate", "baggage", "CC", "BCC":
		return true
	}
	switch v.(type) {
	case float32, float64:
		return true
	}
	_, err := types.Validate(v)
	return err != nil || !extensible(name) || name != strings.ToLower(name)
}
