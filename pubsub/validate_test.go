package pubsub

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestValidation: every bad argument is refused before the adapter sees it,
// with its sentinel, and words that name what is wrong.
func TestValidation(t *testing.T) {
	long := strings.Repeat("x", 256)
	const (
		tooLong = "is 256 bytes long; at most 255 are possible"
		utf     = `"\xff" is not valid UTF-8`
	)
	queue := func(q Queue) func(context.Context, *Broker) error {
		return func(ctx context.Context, b *Broker) error { _, err := b.DeclareQueue(ctx, q); return err }
	}
	exchange := func(e Exchange) func(context.Context, *Broker) error {
		return func(ctx context.Context, b *Broker) error { return b.DeclareExchange(ctx, e) }
	}
	bind := func(bd Binding) func(context.Context, *Broker) error {
		return func(ctx context.Context, b *Broker) error {
			if err := b.Unbind(ctx, bd); err == nil {
				return nil // both must fail
			}
			return b.Bind(ctx, bd)
		}
	}
	publish := func(exchange, key string, m Message) func(context.Context, *Broker) error {
		return func(ctx context.Context, b *Broker) error { return b.Publish(ctx, exchange, key, m) }
	}
	message := func(m Message) func(context.Context, *Broker) error { return publish("e", "k", m) }
	consume := func(queue string, o *ConsumeOptions) func(context.Context, *Broker) error {
		return func(ctx context.Context, b *Broker) error { _, err := b.Consume(ctx, queue, o); return err }
	}
	ttl := func(d time.Duration) *time.Duration { return &d }
	number := func(n int) *int { return &n }
	text := func(s string) *string { return &s }

	for _, c := range []struct {
		name string
		call func(context.Context, *Broker) error
		err  error
		want string
	}{
		// Exchanges.
		{"exchange: default", exchange(Exchange{Kind: Direct}), ErrAccessRefused, `declare exchange "": access refused: the default exchange can't be declared`},
		{"exchange: long name", exchange(Exchange{Name: long, Kind: Direct}), ErrInvalid, "exchange name \"" + strings.Repeat("x", 60) + "…\" " + tooLong},
		{"exchange: name no UTF-8", exchange(Exchange{Name: "\xff", Kind: Direct}), ErrInvalid, "exchange name " + utf},
		{"exchange: name with a line break", exchange(Exchange{Name: "a\nb", Kind: Direct}), ErrInvalid, `exchange name "a\nb" has a line break`},
		{"exchange: no kind", exchange(Exchange{Name: "e"}), ErrInvalid, "the exchange has no kind; it must be one of [direct fanout topic headers]"},
		{"exchange: unknown kind", exchange(Exchange{Name: "e", Kind: "Fanout"}), ErrInvalid, `unknown exchange kind "Fanout"; it must be one of [direct fanout topic headers]`},
		{"exchange: long alternate", exchange(Exchange{Name: "e", Kind: Direct, Alternate: long}), ErrInvalid, "alternate exchange name"},
		{"exchange: alternate no UTF-8", exchange(Exchange{Name: "e", Kind: Direct, Alternate: "\xff"}), ErrInvalid, "alternate exchange name " + utf},
		{"exchange: argument with a field", exchange(Exchange{Name: "e", Kind: Direct, Arguments: Table{"alternate-exchange": "f"}}), ErrInvalid, `argument "alternate-exchange" has a field of its own: set Exchange.Alternate`},
		{"exchange: argument type", exchange(Exchange{Name: "e", Kind: Direct, Arguments: Table{"a": time.Second}}), ErrInvalid, `argument "a" is a time.Duration, which no header can hold`},
		{"check: default", func(ctx context.Context, b *Broker) error { return b.CheckExchange(ctx, "") }, ErrAccessRefused, `check exchange "": access refused: the default exchange can't be checked or deleted`},
		{"check: long", func(ctx context.Context, b *Broker) error { return b.CheckExchange(ctx, long) }, ErrInvalid, tooLong},
		{"delete exchange: default", func(ctx context.Context, b *Broker) error { return b.DeleteExchange(ctx, "", nil) }, ErrAccessRefused, `delete exchange "": access refused`},
		{"delete exchange: no UTF-8", func(ctx context.Context, b *Broker) error { return b.DeleteExchange(ctx, "\xff", nil) }, ErrInvalid, utf},

		// Queues.
		{"queue: long name", queue(Queue{Name: long}), ErrInvalid, tooLong},
		{"queue: name with a line break", queue(Queue{Name: "a\rb"}), ErrInvalid, `queue name "a\rb" has a line break`},
		{"queue: name no UTF-8", queue(Queue{Name: "\xff"}), ErrInvalid, "queue name " + utf},
		{"queue: reserved name", queue(Queue{Name: "amq.mine"}), ErrAccessRefused, `queue name "amq.mine" has the prefix "amq.", which is the broker's own; leave the name empty`},
		{"queue: negative TTL", queue(Queue{MessageTTL: ttl(-time.Second)}), ErrInvalid, "MessageTTL is -1s; it must be 0 or more"},
		{"queue: TTL below a millisecond", queue(Queue{MessageTTL: ttl(time.Microsecond)}), ErrInvalid, "MessageTTL is 1µs; it must be whole milliseconds"},
		{"queue: TTL not whole", queue(Queue{MessageTTL: ttl(1500 * time.Microsecond)}), ErrInvalid, "MessageTTL is 1.5ms; it must be whole milliseconds"},
		{"queue: TTL too large", queue(Queue{MessageTTL: ttl(maxTTL + time.Millisecond)}), ErrInvalid, "at most 87600h0m0s are possible"},
		{"queue: negative expiry", queue(Queue{Expires: -time.Millisecond}), ErrInvalid, "Expires is -1ms; it must be 0 or more"},
		{"queue: expiry below a millisecond", queue(Queue{Expires: 1}), ErrInvalid, "Expires is 1ns; it must be whole milliseconds"},
		{"queue: expiry too large", queue(Queue{Expires: maxTTL + time.Millisecond}), ErrInvalid, "at most 87600h0m0s are possible"},
		{"queue: negative length", queue(Queue{MaxLength: number(-1)}), ErrInvalid, "MaxLength is -1; it must be 0 or more, or nil for no limit"},
		{"queue: negative bytes", queue(Queue{MaxBytes: number(-5)}), ErrInvalid, "MaxBytes is -5; it must be 0 or more, or nil for no limit"},
		{"queue: overflow", queue(Queue{Overflow: "drop-tail"}), ErrInvalid, `unknown overflow "drop-tail"; it must be one of drop-head, reject-publish, reject-publish-dlx`},
		{"queue: long dead-letter exchange", queue(Queue{DeadLetter: &DeadLetter{Exchange: long}}), ErrInvalid, "dead-letter exchange name"},
		{"queue: dead-letter key no UTF-8", queue(Queue{DeadLetter: &DeadLetter{RoutingKey: text("\xff")}}), ErrInvalid, "dead-letter routing key " + utf},
		{"queue: long argument name", queue(Queue{Arguments: Table{long: 1}}), ErrInvalid, "argument name"},
		{"queue: argument name no UTF-8", queue(Queue{Arguments: Table{"\xff": 1}}), ErrInvalid, "argument name " + utf},
		{"queue: argument type", queue(Queue{Arguments: Table{"x": []string{}}}), ErrInvalid, `argument "x" is a []string`},
		{"inspect: no name", func(ctx context.Context, b *Broker) error { _, err := b.InspectQueue(ctx, ""); return err }, ErrInvalid, `inspect queue "": invalid argument: the queue has no name; use the one that DeclareQueue returned`},
		{"delete queue: no name", func(ctx context.Context, b *Broker) error { _, err := b.DeleteQueue(ctx, "", nil); return err }, ErrInvalid, "the queue has no name"},
		{"purge: long name", func(ctx context.Context, b *Broker) error { _, err := b.PurgeQueue(ctx, long); return err }, ErrInvalid, tooLong},

		// Bindings.
		{"bind: default exchange", bind(Binding{Queue: "q"}), ErrAccessRefused, "the default exchange can't be bound; it reaches every queue by its name already"},
		{"bind: no destination", bind(Binding{Exchange: "e"}), ErrInvalid, "the binding has no destination; set Queue or ToExchange"},
		{"bind: both destinations", bind(Binding{Exchange: "e", Queue: "q", ToExchange: "f"}), ErrInvalid, "a binding has one destination; set Queue or ToExchange, not both"},
		{"bind: long exchange", bind(Binding{Exchange: long, Queue: "q"}), ErrInvalid, "exchange name"},
		{"bind: long queue", bind(Binding{Exchange: "e", Queue: long}), ErrInvalid, "queue name"},
		{"bind: destination no UTF-8", bind(Binding{Exchange: "e", ToExchange: "\xff"}), ErrInvalid, "destination exchange name " + utf},
		{"bind: long key", bind(Binding{Exchange: "e", Queue: "q", Key: long}), ErrInvalid, "binding key"},
		{"bind: key no UTF-8", bind(Binding{Exchange: "e", Queue: "q", Key: "\xff"}), ErrInvalid, "binding key " + utf},
		{"bind: argument type", bind(Binding{Exchange: "e", Queue: "q", Arguments: Table{"a": 1i}}), ErrInvalid, `binding argument "a" is a complex128`},
		{"bind: nested table", bind(Binding{Exchange: "e", Queue: "q", Arguments: Table{"a": Table{"b": 1, "c": 2}}}), ErrInvalid, `binding argument "a" holds a table of 2 entries, whose order would count; use one entry, or separate arguments`},
		{"bind: nested map", bind(Binding{Exchange: "e", Queue: "q", Arguments: Table{"a": map[string]any{"b": 1, "c": 2, "d": 3}}}), ErrInvalid, "holds a table of 3 entries"},
		{"bind: nested in a table", bind(Binding{Exchange: "e", Queue: "q", Arguments: Table{"a": Table{"x": Table{"b": 1, "c": 2}}}}), ErrInvalid, "holds a table of 2 entries"},
		{"bind: nested in a list", bind(Binding{Exchange: "e", Queue: "q", Arguments: Table{"a": []any{1, Table{"b": 1, "c": 2}}}}), ErrInvalid, "holds a table of 2 entries"},

		// Messages.
		{"publish: long exchange", publish(long, "k", Message{}), ErrInvalid, "exchange name"},
		{"publish: exchange no UTF-8", publish("\xff", "k", Message{}), ErrInvalid, "exchange name " + utf},
		{"publish: long key", publish("e", long, Message{}), ErrInvalid, "routing key"},
		{"publish: key no UTF-8", publish("e", "\xff", Message{}), ErrInvalid, "routing key " + utf},
		{"publish: delivery mode", message(Message{DeliveryMode: 3}), ErrInvalid, "delivery mode is 3; it must be pubsub.Transient (1), pubsub.Persistent (2) or 0 for neither"},
		{"publish: negative expiration", message(Message{Expiration: ttl(-1)}), ErrInvalid, "Expiration is -1ns; it must be 0 or more"},
		{"publish: expiration below a millisecond", message(Message{Expiration: ttl(time.Millisecond + 1)}), ErrInvalid, "it must be whole milliseconds"},
		{"publish: expiration too large", message(Message{Expiration: ttl(math.MaxInt64 - math.MaxInt64%time.Millisecond)}), ErrInvalid, "at most 87600h0m0s are possible"},
		{"publish: content type", message(Message{ContentType: long}), ErrInvalid, "content type"},
		{"publish: content encoding", message(Message{ContentEncoding: "\xff"}), ErrInvalid, "content encoding " + utf},
		{"publish: correlation id", message(Message{CorrelationID: long}), ErrInvalid, "correlation id"},
		{"publish: reply-to", message(Message{ReplyTo: long}), ErrInvalid, "reply-to"},
		{"publish: message id", message(Message{MessageID: long}), ErrInvalid, "message id"},
		{"publish: type", message(Message{Type: long}), ErrInvalid, "type"},
		{"publish: user id", message(Message{UserID: long}), ErrInvalid, "user id"},
		{"publish: app id", message(Message{AppID: long}), ErrInvalid, "app id"},
		{"publish: timestamp", message(Message{Timestamp: time.Unix(-1, 0)}), ErrInvalid, "is before 1970"},
		{"publish: header type", message(Message{Headers: Table{"h": map[int]int{}}}), ErrInvalid, `header "h" is a map[int]int, which no header can hold`},
		{"publish: long header name", message(Message{Headers: Table{long: 1}}), ErrInvalid, "header name"},
		{"publish: header too large", message(Message{Headers: Table{"h": uint64(math.MaxUint64)}}), ErrInvalid, "which is more than a 64-bit signed integer holds"},
		{"publish: CC no list", message(Message{Headers: Table{"CC": "k"}}), ErrPreconditionFailed, "the header CC is a string; it must be a list of strings"},
		{"publish: BCC no list", message(Message{Headers: Table{"BCC": Table{}}}), ErrPreconditionFailed, "the header BCC is a pubsub.Table; it must be a list of strings"},

		// Consumers.
		{"consume: no queue", consume("", nil), ErrInvalid, `consume from queue "": invalid argument: the queue has no name`},
		{"consume: long queue", consume(long, nil), ErrInvalid, tooLong},
		{"consume: negative prefetch", consume("q", &ConsumeOptions{Prefetch: -1}), ErrInvalid, "prefetch is -1; it must be 1 to 65535, pubsub.Unlimited, or 0 for 256"},
		{"consume: prefetch too large", consume("q", &ConsumeOptions{Prefetch: 65536}), ErrInvalid, "prefetch is 65536; at most 65535 are possible, or pubsub.Unlimited"},
		{"consume: long tag", consume("q", &ConsumeOptions{Tag: long}), ErrInvalid, "consumer tag"},
		{"consume: tag no UTF-8", consume("q", &ConsumeOptions{Tag: "\xff"}), ErrInvalid, "consumer tag " + utf},
		{"get: no queue", func(ctx context.Context, b *Broker) error { _, _, err := b.Get(ctx, "", nil); return err }, ErrInvalid, `get from queue "": invalid argument: the queue has no name`},
	} {
		fake := &fakeAdapter{onPublish: func(_ context.Context, p *Publication) {
			t.Errorf("%s: the adapter got the publish", c.name)
			p.Confirm(nil)
		}}
		err := c.call(t.Context(), New(fake, nil))
		wantErr(t, c.name, err, c.err)
		if err == nil {
			continue
		}
		if !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: the error is\n%q; want\n%q", c.name, err, c.want)
		}
		if strings.Contains(err.Error(), "\n") || len(err.Error()) > 400 {
			t.Errorf("%s: the error is no line: %q", c.name, err)
		}
		if _, ok := errors.AsType[*Error](err); !ok {
			t.Errorf("%s: the error is no *Error", c.name)
		}
		if calls := fake.takeCalls(); len(calls) > 0 {
			t.Errorf("%s: the adapter was called: %q", c.name, calls)
		}
	}
}

// TestArgumentsWithFields: each argument that a field of Queue stands for is
// refused, and the field named.
func TestArgumentsWithFields(t *testing.T) {
	for name, field := range argumentFields {
		_, err := New(&fakeAdapter{}, nil).DeclareQueue(t.Context(), Queue{Name: "q", Arguments: Table{name: 1}})
		wantErr(t, name, err, ErrInvalid)
		if err != nil && !strings.Contains(err.Error(), "set Queue."+field) {
			t.Errorf("%s: the error is %q", name, err)
		}
	}
}

// TestLimitsAreAccepted: what is just inside the limits reaches the adapter.
func TestLimitsAreAccepted(t *testing.T) {
	name := strings.Repeat("å", 127) + "x" // 255 bytes
	zero, most := time.Duration(0), maxTTL
	none := 0
	fake := (&fakeAdapter{}).consumes(newFakeSub())
	b := New(fake, nil)
	ctx := t.Context()
	for _, k := range Kinds() {
		wantErr(t, "exchange", b.DeclareExchange(ctx, Exchange{Name: name, Kind: k, Alternate: name}))
	}
	wantErr(t, "amq. exchange, which the adapter judges", b.DeclareExchange(ctx, Exchange{Name: "amq.direct", Kind: Direct}))
	for _, q := range []Queue{
		{Name: name, MessageTTL: &zero, Expires: most, MaxLength: &none, MaxBytes: &none, Overflow: RejectPublishDLX, DeadLetter: &DeadLetter{RoutingKey: &name}},
		{MessageTTL: &most, DeadLetter: &DeadLetter{Exchange: name}, Overflow: RejectPublish, MaxPriority: 255, Arguments: Table{"x-queue-type": "classic", name: nil}},
		{Overflow: DropHead},
		TempQueue(),
	} {
		_, err := b.DeclareQueue(ctx, q)
		wantErr(t, "queue", err)
	}
	for _, bd := range []Binding{
		{Exchange: name, Queue: name, Key: name},
		{Exchange: "e", Queue: "amq.gen-x", Arguments: Table{"x-match": "any", "t": Table{"one": []any{map[string]any{"more": 1}}}, "none": Table{}}},
		{Exchange: "e", ToExchange: "e"},
	} {
		wantErr(t, "bind", b.Bind(ctx, bd))
		wantErr(t, "unbind", b.Unbind(ctx, bd))
	}
	for _, m := range []Message{
		{},
		{DeliveryMode: Transient, Expiration: &zero, Priority: 255, Timestamp: time.Unix(0, 0)},
		{DeliveryMode: Persistent, Expiration: &most, ContentType: name, ContentEncoding: name, CorrelationID: name, ReplyTo: name, MessageID: name, Type: name, UserID: name, AppID: name, Headers: Table{name: nil}},
		{Headers: Table{"CC": []any{}, "cc": "no routing"}},
	} {
		wantErr(t, "publish", b.Publish(ctx, name, name, m))
	}
	for _, o := range []ConsumeOptions{{Prefetch: 65535}, {Prefetch: Unlimited, Tag: name}} {
		_, err := b.Consume(ctx, name, &o)
		wantErr(t, "consume", err)
	}
	if calls := fake.takeCalls(); len(calls) != 17 || slices.Contains(calls, "") {
		t.Errorf("the adapter got %d calls; want 17", len(calls))
	}
}
