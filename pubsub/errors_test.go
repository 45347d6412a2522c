package pubsub

import (
	"context"
	"errors"
	"fmt"
	"testing"
)

// TestErrorText: the words of errors, with what to do about them.
func TestErrorText(t *testing.T) {
	for _, c := range []struct {
		op, name string
		err      error
		want     string
	}{
		{opDeclareExchange, `"logs"`, fmt.Errorf("%w: inequivalent arg 'type'", ErrPreconditionFailed),
			`declare exchange "logs": precondition failed: inequivalent arg 'type'; declare it as it is, or delete it first`},
		{opDeclareQueue, `"q"`, ErrPreconditionFailed,
			`declare queue "q": precondition failed; declare it as it is, or delete it first`},
		{opDeleteQueue, `"q"`, fmt.Errorf("%w: in use", ErrPreconditionFailed),
			`delete queue "q": precondition failed: in use`},
		{opDeclareQueue, `"q"`, ErrResourceLocked,
			`declare queue "q": resource locked; use the Broker that declared it, or another queue`},
		{opPublish, `exchange "x"`, ErrNotFound,
			`publish to exchange "x": not found; declare it first`},
		{opConsume, `queue "q"`, ErrNotFound,
			`consume from queue "q": not found; declare it first`},
		{opInspectQueue, `"q"`, ErrNotFound,
			`inspect queue "q": not found`},
		{opOpen, `"amqp://host/v"`, fmt.Errorf("%w: no vhost 'v'", ErrNotFound),
			`open broker "amqp://host/v": not found: no vhost 'v'`},
		{opPublish, `exchange "x"`, ErrUnroutable,
			`publish to exchange "x": unroutable; bind a queue that matches, or publish without Mandatory`},
		{opPublish, `exchange "x"`, ErrUnconfirmed,
			`publish to exchange "x": outcome unknown; publish it again if it may arrive twice`},
		{"ack delivery from", `queue "q"`, ErrSettled,
			`ack delivery from queue "q": delivery is already settled; settle each delivery once, and none of a consumer with AutoAck`},
		{opTopology, "", ErrUnsupported,
			`read topology: unsupported operation`},
	} {
		err := opError(c.op, c.name, c.err)
		if err.Error() != c.want {
			t.Errorf("\n got %s\nwant %s", err, c.want)
		}
	}
	if err := opError(opBind, "x", nil); err != nil {
		t.Errorf("no error becomes %v", err)
	}
}

// TestErrorIs: through *Error, the sentinel and the cause are found.
func TestErrorIs(t *testing.T) {
	sentinels := []error{
		ErrInvalid, ErrNotFound, ErrPreconditionFailed, ErrAccessRefused, ErrResourceLocked, ErrUnroutable, ErrRefused,
		ErrUnconfirmed, ErrUnavailable, ErrUnsupported, ErrClosed, ErrConsumerCanceled, ErrSettled, ErrDeliveryLost, ErrReject,
	}
	for i, s := range sentinels {
		fake := &fakeAdapter{err: fmt.Errorf("%w: %w", s, context.Canceled)}
		err := New(fake, nil).CheckExchange(t.Context(), "e")
		wantErr(t, "check exchange", err, s, context.Canceled)
		for j, other := range sentinels {
			if i != j && errors.Is(err, other) {
				t.Errorf("%q is also %q", s, other)
			}
		}
		e, ok := errors.AsType[*Error](err)
		if !ok || e.Op != "check exchange" || e.Name != `"e"` || e.Err != fake.err {
			t.Errorf("the error is %#v", err)
		}
	}
	if ErrUnsupported != errors.ErrUnsupported {
		t.Error("ErrUnsupported is not that of package errors")
	}
}

// TestPublishErrorIs: an outcome is wrapped with exchange and key.
func TestPublishErrorIs(t *testing.T) {
	for _, c := range []struct{ exchange, want string }{
		{"logs", `publish to exchange "logs": with key "a.b": unroutable: NO_ROUTE; bind a queue that matches, or publish without Mandatory`},
		{"", `publish to the default exchange: with key "a.b": unroutable: NO_ROUTE; bind a queue that matches, or publish without Mandatory`},
	} {
		b := New(&fakeAdapter{onPublish: func(_ context.Context, p *Publication) {
			p.Confirm(fmt.Errorf("%w: NO_ROUTE", ErrUnroutable))
		}}, nil)
		err := b.Publish(t.Context(), c.exchange, "a.b", Message{}, Mandatory)
		wantErr(t, "publish", err, ErrUnroutable)
		if err.Error() != c.want {
			t.Errorf("\n got %s\nwant %s", err, c.want)
		}
	}
	b := New(&fakeAdapter{onPublish: func(context.Context, *Publication) {}}, nil)
	ctx, cancel := context.WithCancel(t.Context())
	confirmation := b.PublishAsync(ctx, "logs", "k", Message{})
	cancel()
	err := confirmation.Wait(ctx)
	wantErr(t, "wait", err, ErrUnconfirmed, context.Canceled)
	if want := `publish to exchange "logs": with key "k": outcome unknown: stopped waiting for the confirm: context canceled; publish it again if it may arrive twice`; err.Error() != want {
		t.Errorf("\n got %s\nwant %s", err, want)
	}
}

func TestSettleErrorText(t *testing.T) {
	sub := newFakeSub()
	_, c := consume(t, sub, nil)
	sub.push(1)
	d := receive(t, c, 1)[0]
	wantErr(t, "ack", d.Ack(t.Context()))
	if got, want := d.Requeue(t.Context()).Error(), `requeue delivery from queue "q": delivery is already settled; settle each delivery once, and none of a consumer with AutoAck`; got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	empty := Delivery{Envelope: noMessage}
	if got, want := empty.Ack(t.Context()).Error(), `ack delivery: invalid argument: it came with an error and holds no message; look at the error first`; got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	for o, want := range map[Outcome]string{Ack: "ack", Requeue: "requeue", Reject: "reject", 0: "invalid outcome", 4: "invalid outcome"} {
		if o.String() != want {
			t.Errorf("Outcome(%d) is %q; want %q", o, o, want)
		}
	}
}
