package page

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/gobindery/bindery/pubsub"
)

// parseHeaders reads headers as the page's form takes them, one a line:
// name=value is a string, as emit's -H has it, and name:=value is a value of
// JSON, as 5, true, null or ["a", "b"]. Whole numbers are int64.
func parseHeaders(text string) (pubsub.Table, error) {
	var t pubsub.Table
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimRight(line, "\r\n")
		if strings.TrimSpace(line) == "" {
			continue
		}
		name, value, err := parseHeader(line)
		if _, there := t[name]; err == nil && there {
			err = fmt.Errorf("the header %q is there twice", name)
		}
		if err != nil {
			return nil, fmt.Errorf("headers, line %d: %w", n, err)
		}
		if t == nil {
			t = pubsub.Table{}
		}
		t[name] = value
	}
	return t, nil
}

func parseHeader(line string) (name string, value any, err error) {
	name, text, ok := strings.Cut(line, "=")
	if !ok || strings.TrimSuffix(name, ":") == "" {
		return "", nil, errors.New("write name=value for a string, or name:=value for a value of JSON, as 5 or true")
	}
	typed := false
	if name, typed = strings.CutSuffix(name, ":"); !typed {
		return name, text, nil
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&value); err != nil || d.More() {
		return "", nil, fmt.Errorf("%q is no JSON; after := write a value as 5, true, null, [\"a\", \"b\"] or \"text\"", text)
	}
	value, err = ofJSON(value)
	return name, value, err
}

// ofJSON makes a decoded value one that a table can hold.
func ofJSON(v any) (any, error) {
	var err error
	switch v := v.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n, nil
		}
		f, err := v.Float64()
		if err != nil {
			return nil, fmt.Errorf("the number %s is too large", v)
		}
		return f, nil
	case []any:
		for i := range v {
			if v[i], err = ofJSON(v[i]); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		t := make(pubsub.Table, len(v))
		for name := range v {
			if t[name], err = ofJSON(v[name]); err != nil {
				return nil, err
			}
		}
		return t, nil
	}
	return v, nil
}
