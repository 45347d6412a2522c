package cloudevents

import (
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/cloudevents/sdk-go/v2/event"

	"github.com/gobindery/bindery/pubsub"
)

// ErrNotEvent: the message carries no CloudEvent that this package can read.
var ErrNotEvent = errors.New("not a CloudEvent")

// FromMessage returns the event that a message carries, in whichever mode. The
// error wraps [ErrNotEvent], and says what is missing or wrong. The event keeps
// the message's body.
func FromMessage(m pubsub.Message) (event.Event, error) {
	e, err := decode(m)
	if err == nil {
		err = e.Validate()
	}
	if err != nil {
		return event.Event{}, fmt.Errorf("%w: %w", ErrNotEvent, err)
	}
	return e, nil
}

func decode(m pubsub.Message) (e event.Event, err error) {
	if len(m.ContentType) < len(mediaType) || !strings.EqualFold(m.ContentType[:len(mediaType)], mediaType) {
		return decodeBinary(m)
	}
	media, _, err := mime.ParseMediaType(m.ContentType)
	if err != nil {
		return e, fmt.Errorf("content type %q: %w", m.ContentType, err)
	}
	if media != mediaType+"+json" && media != mediaType {
		return e, fmt.Errorf("content type %q: the only format that can be read is JSON, application/cloudevents+json", m.ContentType)
	}
	if err := json.Unmarshal(m.Body, &e); err != nil {
		return e, fmt.Errorf("the body is no event in JSON: %w", err)
	}
	return e, nil
}

func decodeBinary(m pubsub.Message) (event.Event, error) {
	attributes := map[string]any{}
	for name, v := range m.Headers {
		for _, p := range [...]string{prefix, underscore} {
			if attribute, ok := strings.CutPrefix(name, p); ok {
				attributes[attribute] = v
			}
		}
	}
	version, ok := attributes["specversion"].(string)
	if !ok {
		return event.Event{}, fmt.Errorf("it has no header %sspecversion, and its content type is %q, not %s+json", prefix, m.ContentType, mediaType)
	}
	if version != event.CloudEventsVersionV1 && version != event.CloudEventsVersionV03 {
		return event.Event{}, fmt.Errorf("version %q of CloudEvents is unknown; 1.0 and 0.3 can be read", version)
	}
	e := event.New(version)
	for name, v := range attributes {
		if err := set(&e, name, v); err != nil {
			return e, err
		}
	}
	if m.ContentType != "" {
		e.SetDataContentType(m.ContentType)
	}
	if len(m.Body) > 0 {
		e.DataEncoded = m.Body
		e.DataBase64 = !textual(m.ContentType, m.Body)
	}
	return e, nil
}

// set sets one attribute. What is wrong with its value Validate tells.
func set(e *event.Event, name string, v any) error {
	if t, ok := v.(time.Time); ok && name == "time" {
		e.SetTime(t)
		return nil
	}
	setString := map[string]func(string){
		"specversion": func(string) {}, // it is
		"id":          e.SetID,
		"source":      e.SetSource,
		"type":        e.SetType,
		"subject":     e.SetSubject,
		"dataschema":  e.SetDataSchema,
	}[name]
	s, isString := v.(string)
	switch {
	case name == "time" && isString:
		t, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			return fmt.Errorf("attribute time: %w", err)
		}
		e.SetTime(t)
	case name == "time", setString != nil && !isString:
		return fmt.Errorf("attribute %s is a %T, which it can't be", name, v)
	case setString != nil:
		setString(s)
	case name == "datacontenttype" || name == "data":
		return fmt.Errorf("attribute %s is a header, which it can't be: it is the message's own", name)
	default:
		e.SetExtension(name, v)
	}
	return nil
}

// textual reports whether data can stand in a JSON event as it is.
func textual(contentType string, data []byte) bool {
	media, _, _ := mime.ParseMediaType(contentType)
	if media == "" || strings.HasSuffix(media, "/json") || strings.HasSuffix(media, "+json") {
		return json.Valid(data)
	}
	return utf8.Valid(data)
}
