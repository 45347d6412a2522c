package rabbitmq

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/gobindery/bindery/pubsub"
)

func TestTablesThereAndBack(t *testing.T) {
	when := time.Unix(1_700_000_000, 0).UTC()
	in := pubsub.Table{
		"nil":   nil,
		"table": pubsub.Table{"d": pubsub.Decimal{Scale: 1, Value: 2}, "none": pubsub.Table(nil)},
		"list":  []any{pubsub.Table{"t": when}, []any{pubsub.Decimal{}}, int8(1)},
		"time":  when,
	}
	kept := in.Clone()
	out := toAMQP(in)
	if err := out.Validate(); err != nil {
		t.Errorf("amqp091-go doesn't take it: %v", err)
	}
	if !in.Equal(kept) {
		t.Errorf("the table was changed to %v", in)
	}
	out["time"] = when.Local() // as amqp091-go makes it
	back := fromAMQP(out)
	if !back.Equal(pubsub.Table{
		"nil": nil, "table": pubsub.Table{"d": pubsub.Decimal{Scale: 1, Value: 2}, "none": pubsub.Table{}}, "list": in["list"], "time": when,
	}) {
		t.Errorf("came back as %v", back)
	}
	if got := back["time"].(time.Time); got.Location() != time.UTC {
		t.Errorf("a time came back in %v", got.Location())
	}
}

func TestTableSizes(t *testing.T) {
	// A Broker lets no longer lists and names through.
	list, names := make([]any, 8192), make(pubsub.Table)
	for i := range frameSize / 255 {
		names[fmt.Sprintf("%0255d", i)] = nil
	}
	for what, c := range map[string]struct {
		table pubsub.Table
		ok    bool
	}{
		"empty":           {nil, true},
		"a frame":         {pubsub.Table{"h": strings.Repeat("x", frameSize-5000)}, true},
		"over a frame":    {pubsub.Table{"h": []byte(strings.Repeat("x", frameSize))}, false},
		"many small":      {pubsub.Table{"h": list}, true},
		"twice as many":   {pubsub.Table{"h": list, "in": pubsub.Table{"h": list}}, false},
		"many long names": {names, false},
	} {
		err := checkSize("header", c.table, frameSize)
		if c.ok && err != nil || !c.ok && !errors.Is(err, pubsub.ErrUnsupported) {
			t.Errorf("%s: %v", what, err)
		}
		if err := checkSize("header", c.table, 0); err != nil {
			t.Errorf("%s, without a limit: %v", what, err)
		}
	}
}

func TestFingerprint(t *testing.T) {
	base := amqp.Publishing{Headers: amqp.Table{"a": int32(1), "b": amqp.Table{"c": []any{"d", nil}}}, Body: []byte("x"), Timestamp: time.Unix(1, 0)}
	same := base
	same.Headers = amqp.Table{"b": amqp.Table{"c": []any{"d", nil}}, "a": int32(1), "BCC": []any{"k"}}
	same.Timestamp = base.Timestamp.UTC()
	if fingerprint(&same) != fingerprint(&base) {
		t.Error("a message that comes back has another fingerprint")
	}
	for what, change := range map[string]func(*amqp.Publishing){
		"a body":          func(p *amqp.Publishing) { p.Body = []byte("y") },
		"an id":           func(p *amqp.Publishing) { p.MessageId = "1" },
		"another string":  func(p *amqp.Publishing) { p.CorrelationId = "1" },
		"a time":          func(p *amqp.Publishing) { p.Timestamp = time.Unix(2, 0) },
		"a priority":      func(p *amqp.Publishing) { p.Priority = 1 },
		"a delivery mode": func(p *amqp.Publishing) { p.DeliveryMode = 1 },
		"a header's type": func(p *amqp.Publishing) { p.Headers = amqp.Table{"a": int64(1), "b": base.Headers["b"]} },
		"a nested value":  func(p *amqp.Publishing) { p.Headers = amqp.Table{"a": int32(1), "b": amqp.Table{"c": []any{"e", nil}}} },
		"a lost header":   func(p *amqp.Publishing) { p.Headers = amqp.Table{"a": int32(1)} },
	} {
		other := base
		change(&other)
		if fingerprint(&other) == fingerprint(&base) {
			t.Errorf("messages that differ in %s have the same fingerprint", what)
		}
	}
}
