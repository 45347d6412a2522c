package cloudevents

import (
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/cloudevents/sdk-go/v2/binding/spec"
	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/cloudevents/sdk-go/v2/types"
)

// Names of what is treated apart.
const (
	specVersion     = "specversion"
	dataContentType = "datacontenttype"

	// contentEncoding is of version 0.3 alone: data in base64 have the value
	// "base64". It says how they are written, not what they are: an event that
	// was read doesn't have it.
	contentEncoding = "datacontentencoding"
)

// attributes returns all that e has, extensions too, each as a bool, an int32,
// a string or bytes. It fails if e is not valid.
func attributes(e *event.Event) (map[string]any, error) {
	if err := validate(e); err != nil {
		return nil, err
	}
	known := spec.VS.Version(e.SpecVersion())
	all := map[string]any{}
	add := func(name string, v any) error {
		v, err := simple(v)
		if err != nil {
			return fmt.Errorf("attribute %s: %w", name, err)
		}
		return set(all, name, v)
	}
	for _, a := range known.Attributes() {
		if v := a.Get(e.Context); v != nil {
			if err := add(a.Name(), v); err != nil {
				return nil, err
			}
		}
	}
	for name, v := range e.Extensions() {
		if known.Attribute(name) != nil || !extensible(name) {
			return nil, fmt.Errorf("attribute %q: no extension can have this name", name)
		}
		if err := add(name, v); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// validate is the SDK's, with what is wrong on one line, by name.
func validate(e *event.Event) error {
	err := e.Validate()
	wrong, ok := err.(event.ValidationError)
	if !ok {
		return err
	}
	var all []string
	for _, name := range slices.Sorted(maps.Keys(wrong)) {
		all = append(all, name+": "+wrong[name].Error())
	}
	return errors.New(strings.Join(all, "; "))
}

// set adds an attribute to all. Names are in lower case: others are taken for
// those, but two can't be one, because which of them counts would be by chance.
func set(all map[string]any, name string, v any) error {
	name = strings.ToLower(name)
	if _, ok := all[name]; ok {
		return fmt.Errorf("attribute %s is there twice: names have no upper case", name)
	}
	all[name] = v
	return nil
}

// simple returns the value of an attribute, URIs and times as strings.
func simple(v any) (any, error) {
	v, err := types.Validate(v)
	if err != nil {
		return nil, err
	}
	switch v := v.(type) {
	case string:
		return v, checkText(v)
	case bool, int32, []byte:
		return v, nil
	case types.Timestamp:
		if y := v.UTC().Year(); y < 0 || y > 9999 {
			return nil, fmt.Errorf("the year %d has no place in RFC 3339", y)
		}
	}
	return types.Format(v)
}

// checkText tells text from bytes: JSON can't hold those.
func checkText(v any) error {
	if s, ok := v.(string); ok && !utf8.ValidString(s) {
		return fmt.Errorf("%q is not in UTF-8", s)
	}
	return nil
}

// extensible reports whether an extension can have this name: the data have
// another one in JSON.
func extensible(name string) bool {
	return event.IsExtensionNameValid(name) && !strings.EqualFold(name, "data")
}

// build makes the event of attributes and data, in whichever types they came.
func build(all map[string]any, data []byte, binary bool) (event.Event, error) {
	version, _ := all[specVersion].(string)
	known := spec.VS.Version(version)
	if known == nil {
		return event.Event{}, fmt.Errorf("version %q of CloudEvents is unknown; 1.0 and 0.3 can be read", version)
	}
	e := event.New(version)
	for name, v := range all {
		err := checkText(v)
		switch a := known.Attribute(name); {
		case err != nil:
		case a != nil:
			if s, ok := v.(string); ok && a.Kind() == spec.Time {
				v = strings.ToUpper(s) // RFC 3339 allows t and z, package time doesn't
			}
			err = a.Set(e.Context, v)
		case version == event.CloudEventsVersionV03 && name == contentEncoding:
			data, err = decoded(v, data)
			binary = true
		default:
			err = setExtension(&e, name, v)
		}
		if err != nil {
			return e, fmt.Errorf("attribute %s: %w", name, err)
		}
	}
	if len(data) > 0 {
		e.DataEncoded = data
		e.DataBase64 = binary || !textual(e.DataContentType(), data)
	}
	return e, nil
}

func setExtension(e *event.Event, name string, v any) error {
	switch v.(type) {
	case float32, float64:
		return fmt.Errorf("%v is a %[1]T; a number must be an integer of 32 bits", v)
	}
	if !extensible(name) {
		return errors.New("no extension can have this name")
	}
	return e.Context.SetExtension(name, v)
}

// decoded returns the data of a content encoding.
func decoded(encoding any, data []byte) ([]byte, error) {
	if s, ok := encoding.(string); !ok || !strings.EqualFold(s, event.Base64) {
		return nil, fmt.Errorf("%v is unknown; there is only %s", encoding, event.Base64)
	}
	return base64.StdEncoding.AppendDecode(nil, data)
}

// dataOf returns the data as they are.
func dataOf(e *event.Event) ([]byte, error) {
	if e.SpecVersion() == event.CloudEventsVersionV03 && e.DeprecatedDataContentEncoding() == event.Base64 && !e.DataBase64 {
		return decoded(event.Base64, e.Data()) // as SetData left them
	}
	return e.Data(), nil
}
