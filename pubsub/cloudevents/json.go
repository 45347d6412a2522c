package cloudevents

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"mime"
	"strings"
	"unicode/utf8"

	"github.com/cloudevents/sdk-go/v2/event"
)

// The JSON format is read and written here, not by the SDK: that one panics at
// some bodies, and doesn't know data of types as application/geo+json for JSON.
// See https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md.

// encodeJSON returns the event as an object.
func encodeJSON(e *event.Event) ([]byte, error) {
	all, err := attributes(e)
	if err != nil {
		return nil, err
	}
	data, err := dataOf(e)
	if err != nil {
		return nil, err
	}
	contentType := e.DataContentType()
	asIs := textual(contentType, data)
	switch v03 := e.SpecVersion() == event.CloudEventsVersionV03; {
	case len(data) == 0:
	case !v03 && (e.DataBase64 || !asIs):
		all["data_base64"] = data
	case !asIs:
		all["data"], all[contentEncoding] = data, event.Base64
	case isJSON(contentType):
		all["data"] = json.RawMessage(data)
	default:
		all["data"] = string(data)
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(all); err != nil { // bytes in base64
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// decodeJSON reads what encodeJSON or another program wrote.
func decodeJSON(body []byte) (event.Event, error) {
	if !utf8.Valid(body) {
		return event.Event{}, errors.New("the body is no event in JSON: it is not in UTF-8")
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil {
		return event.Event{}, fmt.Errorf("the body is no event in JSON: %w", err)
	}
	all := map[string]any{}
	for name, text := range members {
		if name == "data" || name == "data_base64" {
			continue
		}
		v, err := attribute(text)
		if err != nil {
			return event.Event{}, fmt.Errorf("attribute %s: %w", name, err)
		}
		if v == nil {
			continue // not set
		}
		if err := set(all, name, v); err != nil {
			return event.Event{}, err
		}
	}
	data, binary, err := dataMember(members, all)
	if err != nil {
		return event.Event{}, err
	}
	return build(all, data, binary)
}

// attribute returns a bool, an int32, a string, or nil.
func attribute(text json.RawMessage) (any, error) {
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		return nil, err
	}
	switch v := v.(type) {
	case nil, bool, string:
		return v, nil
	case float64:
		if v == math.Trunc(v) && v >= math.MinInt32 && v <= math.MaxInt32 {
			return int32(v), nil
		}
	}
	return nil, fmt.Errorf("%s is no string, boolean, or integer of 32 bits", text)
}

// dataMember returns the data, and whether they were in base64.
func dataMember(members map[string]json.RawMessage, all map[string]any) (data []byte, binary bool, err error) {
	text, plain := members["data"]
	base64Text, binary := members["data_base64"]
	contentType, _ := all[dataContentType].(string)
	// Of another version, an extension has this name, and says nothing here.
	encoded := all[specVersion] == event.CloudEventsVersionV03 && all[contentEncoding] != nil
	switch {
	case plain && binary:
		return nil, false, errors.New("it has both data and data_base64")
	case binary:
		var s string
		if err := json.Unmarshal(base64Text, &s); err != nil {
			return nil, true, fmt.Errorf("data_base64: %w", err)
		}
		if data, err = base64.StdEncoding.DecodeString(s); err != nil {
			return nil, true, fmt.Errorf("data_base64: %w", err)
		}
		return data, true, nil
	case !isJSON(contentType) && string(text) == "null":
		return nil, false, nil
	case isJSON(contentType) && !encoded, len(text) == 0, text[0] != '"':
		return text, false, nil // what is no string is JSON, whatever the type says
	}
	var s string
	err = json.Unmarshal(text, &s)
	return []byte(s), false, err
}

// textual reports whether data can stand in JSON as they are.
func textual(contentType string, data []byte) bool {
	return utf8.Valid(data) && (!isJSON(contentType) || json.Valid(data))
}

// isJSON reports whether data of this type are JSON, as they are without one.
func isJSON(contentType string) bool {
	media, _, _ := mime.ParseMediaType(contentType)
	return contentType == "" || strings.HasSuffix(media, "/json") || strings.HasSuffix(media, "+json")
}
