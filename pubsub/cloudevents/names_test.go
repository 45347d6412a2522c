package cloudevents_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/cloudevents/sdk-go/v2/event"

	"github.com/gobindery/bindery/pubsub"
	"github.com/gobindery/bindery/pubsub/cloudevents"
)

const inJSON = "application/cloudevents+json"

// object is an event in structured mode, with further members.
func object(more string) pubsub.Message {
	return pubsub.Message{ContentType: inJSON, Body: []byte(`{"specversion":"1.0","id":"1","source":"/s","type":"t",` + more + `}`)}
}

// What an event is does not depend on the order of a map.
func TestUpperCase(t *testing.T) {
	headers := func(prefix, name string) pubsub.Message {
		return pubsub.Message{Headers: pubsub.Table{prefix + "specversion": "1.0", prefix + "id": "1", prefix + "source": "/s", prefix + "type": "t", prefix + name: "2"}}
	}
	for what, m := range map[string]pubsub.Message{"JSON": object(`"ID":"2"`), "headers": headers("cloudEvents:", "ID")} {
		for range 100 {
			if e, err := cloudevents.FromMessage(m); !errors.Is(err, cloudevents.ErrNotEvent) {
				t.Fatalf("an id and an ID in %s: got the event %q, %v", what, e.ID(), err)
			}
		}
	}
	// Without a prefix it is a header of the program's own.
	for range 100 {
		if e, err := cloudevents.FromMessage(headers("", "ID")); err != nil || e.ID() != "1" {
			t.Fatalf("beside a header ID the event's id is %q, %v", e.ID(), err)
		}
	}
	e, err := cloudevents.FromMessage(object(`"DataContentType":"text/plain","data":"hello"`))
	if err != nil || string(e.Data()) != "hello" {
		t.Errorf("text is %q, %v", e.Data(), err)
	}
}

// Version 0.3 of the SDK lets them pass.
func TestUpperCaseSent(t *testing.T) {
	e := event.New("0.3")
	e.SetID("1")
	e.SetSource("/s")
	e.SetType("t")
	e.SetExtension("comExample", "x")
	for mode, encode := range modes {
		m, err := encode(e)
		if err != nil || strings.Contains(string(m.Body), "comExample") || m.Headers["cloudEvents:comExample"] != nil {
			t.Errorf("%s: sent %v %s, %v", mode, m.Headers, m.Body, err)
		}
	}
}
