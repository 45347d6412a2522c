package pubsub

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// diary is a Trace that writes down each call.
type diary struct {
	mu    sync.Mutex
	lines []string
}

type step struct{} // the key of what the diary adds to a context

func (d *diary) write(ctx context.Context, format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	within, _ := ctx.Value(step{}).(string)
	d.lines = append(d.lines, within+fmt.Sprintf(format, args...))
}

// take returns the lines since the last time.
func (d *diary) take() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	lines := d.lines
	d.lines = nil
	return lines
}

func (d *diary) wants(t *testing.T, what string, want ...string) {
	t.Helper()
	if got := d.take(); !slices.Equal(got, want) {
		t.Errorf("%s: the trace is\n%s\nwant\n%s", what, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func (d *diary) within(ctx context.Context, name string) context.Context {
	before, _ := ctx.Value(step{}).(string)
	return context.WithValue(ctx, step{}, before+name+"> ")
}

func (d *diary) trace() *Trace {
	return &Trace{
		Opened: func(b *Broker) { d.write(context.Background(), "opened %s", b.Endpoint().System) },
		Closed: func(*Broker) { d.write(context.Background(), "closed") },
		PublishStart: func(ctx context.Context, p *PublishTrace) context.Context {
			d.write(ctx, "publish %q %q %q %v", p.Exchange, p.RoutingKey, p.Body, p.Mandatory)
			return d.within(ctx, "publish")
		},
		PublishEnd: func(ctx context.Context, p *PublishTrace) { d.write(ctx, "sent %v: %v", p.Sent, p.Err) },
		Received: func(ctx context.Context, r *ReceiveTrace) {
			d.write(ctx, "received from %s: %s, handled %v, redelivered %v", r.Delivery.Queue(), r.Delivery.Body, r.Handled, r.Delivery.Redelivered)
			if r.Began.IsZero() || time.Since(r.Began) < 0 {
				d.write(ctx, "a call that began at %v", r.Began)
			}
		},
		HandleStart: func(ctx context.Context, h *HandleTrace) context.Context {
			d.write(ctx, "handle %s of %s", h.Delivery.Body, h.Delivery.Queue())
			return d.within(ctx, "handle")
		},
		HandleEnd: func(ctx context.Context, h *HandleTrace) { d.write(ctx, "handled: %v", h.Err) },
		SettleStart: func(ctx context.Context, s *SettleTrace) context.Context {
			d.write(ctx, "%v %d of %s at %s, through %v", s.Outcome, s.Count, s.Delivery.Queue(), s.Delivery.Body, s.Through)
			return d.within(ctx, "settle")
		},
		SettleEnd: func(ctx context.Context, s *SettleTrace) { d.write(ctx, "settled: %v", s.Err) },
	}
}

// tracedFake is a fakeAdapter that tells its Endpoint.
type tracedFake struct{ *fakeAdapter }

func (tracedFake) Endpoint() Endpoint { return Endpoint{System: "fake", Address: "host", Port: 1} }

func TestTracePublish(t *testing.T) {
	var d diary
	var outcome error
	a := &fakeAdapter{onPublish: func(ctx context.Context, p *Publication) {
		d.write(ctx, "adapter has %s", p.Body)
		p.Confirm(outcome)
	}}
	b := New(tracedFake{a}, &Options{Trace: d.trace()})
	d.wants(t, "New", "opened fake")
	wantErr(t, "publish", b.Publish(t.Context(), "e", "k", Message{Body: []byte("one")}, Mandatory))
	d.wants(t, "a confirmed publish", `publish "e" "k" "one" true`, "publish> adapter has one", "publish> sent true: <nil>")

	for _, outcome = range []error{ErrUnroutable, ErrRefused, ErrUnconfirmed} {
		err := b.Publish(t.Context(), "e", "k", Message{})
		wantErr(t, "publish", err, outcome)
		d.wants(t, outcome.Error(), `publish "e" "k" "" false`, "publish> adapter has ", "publish> sent true: "+err.Error())
	}
	// Refused before it reaches the adapter.
	wantErr(t, "publish", b.Publish(t.Context(), "e", "k", Message{DeliveryMode: 7}), ErrInvalid)
	if got := d.take(); len(got) != 2 || !strings.HasPrefix(got[1], "publish> sent false: publish to exchange") {
		t.Errorf("the trace of an invalid message is %q", got)
	}
	wantErr(t, "close", b.Close())
	d.wants(t, "Close", "closed")
	wantErr(t, "close again", b.Close())
	d.wants(t, "a second Close")
	wantErr(t, "publish", b.Publish(t.Context(), "e", "k", Message{}), ErrClosed)
	if got := d.take(); len(got) != 2 || !strings.Contains(got[1], "sent false") {
		t.Errorf("the trace of a publish after Close is %q", got)
	}
}

// TestTracePublishAsync: the end is traced before the publisher knows of it.
func TestTracePublishAsync(t *testing.T) {
	var c Confirmation
	var early bool
	var ended error
	var held *Publication
	trace := &Trace{PublishEnd: func(_ context.Context, p *PublishTrace) {
		select {
		case <-c.Done():
			early = true
		default:
		}
		ended = p.Err
	}}
	b := New(&fakeAdapter{onPublish: func(_ context.Context, p *Publication) { held = p }}, &Options{Trace: trace})
	c = b.PublishAsync(t.Context(), "e", "k", Message{})
	if n, _ := b.InFlight(); n != 1 {
		t.Errorf("%d publishes are in flight, want 1", n)
	}
	held.Confirm(ErrRefused)
	if early || !errors.Is(ended, ErrRefused) {
		t.Errorf("PublishEnd got %v, when the outcome was known already: %v; want %v and false", ended, early, ErrRefused)
	}
	wantErr(t, "outcome", c.Wait(t.Context()), ErrRefused)
	if n, _ := b.InFlight(); n != 0 {
		t.Errorf("%d publishes are in flight, want 0", n)
	}
}

// TestTraceHeaders: headers are added to what is sent, and checked as the
// publisher's, whose own map stays as it is.
func TestTraceHeaders(t *testing.T) {
	var sent Table
	add := Table{}
	a := &fakeAdapter{onPublish: func(_ context.Context, p *Publication) { sent = p.Headers; p.Confirm(nil) }}
	b := New(a, &Options{Trace: &Trace{PublishStart: func(ctx context.Context, p *PublishTrace) context.Context {
		for k, v := range add {
			p.SetHeader(k, v)
		}
		return ctx
	}}})
	own := Table{"mine": "1"}
	add["theirs"], add["number"] = "2", 3
	for _, tt := range []struct {
		headers, want Table
	}{
		{own, Table{"mine": "1", "theirs": "2", "number": int64(3)}},
		{nil, Table{"theirs": "2", "number": int64(3)}},
	} {
		wantErr(t, "publish", b.Publish(t.Context(), "e", "k", Message{Headers: tt.headers}))
		if !maps.Equal(sent, tt.want) {
			t.Errorf("with headers %v, %v were sent, want %v", tt.headers, sent, tt.want)
		}
	}
	if !maps.Equal(own, Table{"mine": "1"}) {
		t.Errorf("the publisher's map became %v", own)
	}
	add["bad"] = struct{}{}
	wantErr(t, "publish", b.Publish(t.Context(), "e", "k", Message{}), ErrInvalid)
}

func TestTraceDeliveries(t *testing.T) {
	var d diary
	s := newFakeSub()
	a := (&fakeAdapter{}).consumes(s)
	b := New(a, &Options{Trace: d.trace()})
	d.take()
	c, err := b.Consume(t.Context(), "q", nil)
	wantErr(t, "consume", err)
	s.push(6)
	var got []Delivery
	for range 5 {
		dv, err := c.Receive(t.Context())
		wantErr(t, "receive", err)
		got = append(got, dv)
	}
	d.wants(t, "Receive",
		"received from q: 1, handled false, redelivered false", "received from q: 2, handled false, redelivered false",
		"received from q: 3, handled false, redelivered false", "received from q: 4, handled false, redelivered false",
		"received from q: 5, handled false, redelivered false")
	if _, n := b.InFlight(); n != 5 {
		t.Errorf("%d deliveries are in flight, want 5", n)
	}
	wantErr(t, "reject", got[1].Reject(t.Context()))
	d.wants(t, "Reject", "reject 1 of q at 2, through false", "settle> settled: <nil>")
	wantErr(t, "ack through", got[3].AckThrough(t.Context()))
	d.wants(t, "AckThrough", "ack 3 of q at 4, through true", "settle> settled: <nil>")
	wantErr(t, "settle again", got[3].Ack(t.Context()), ErrSettled)
	d.wants(t, "what is settled already")
	s.onSettle = func(settlement) error { return ErrDeliveryLost }
	wantErr(t, "requeue", got[4].Requeue(t.Context()), ErrDeliveryLost)
	d.wants(t, "a lost delivery", "requeue 1 of q at 5, through false", "settle> settled: "+ErrDeliveryLost.Error())
	if _, n := b.InFlight(); n != 0 {
		t.Errorf("%d deliveries are in flight, want 0", n)
	}
	// The sixth was prefetched and not handed over.
	wantErr(t, "cancel", c.Cancel(t.Context()))
	wantErr(t, "close", c.Close())
	d.wants(t, "what was never handed over")
}

func TestTraceGet(t *testing.T) {
	var d diary
	s := newFakeSub()
	ready := true
	a := &fakeAdapter{onGet: func(string, GetOptions) (Got, error) {
		return Got{Incoming: Incoming{Envelope: &Envelope{Message: Message{Body: []byte("1")}}, Redelivered: true, Tag: 1}, OK: ready, Settler: s}, nil
	}}
	b := New(a, &Options{Trace: d.trace()})
	d.take()
	got, ok, err := b.Get(t.Context(), "q", nil)
	if !ok || err != nil {
		t.Fatal(ok, err)
	}
	d.wants(t, "Get", "received from q: 1, handled false, redelivered true")
	if _, n := b.InFlight(); n != 1 {
		t.Errorf("%d deliveries are in flight, want 1", n)
	}
	wantErr(t, "ack", got.AckThrough(t.Context()))
	d.wants(t, "AckThrough", "ack 1 of q at 1, through false", "settle> settled: <nil>")
	ready = false
	if _, ok, err := b.Get(t.Context(), "q", nil); ok || err != nil {
		t.Fatal(ok, err)
	}
	d.wants(t, "Get of nothing")
}

func TestTraceHandle(t *testing.T) {
	var d diary
	s := newFakeSub()
	b := New((&fakeAdapter{}).consumes(s), &Options{Trace: d.trace()})
	d.take()
	c, err := b.Consume(t.Context(), "q", nil)
	wantErr(t, "consume", err)
	s.push(3)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	failed := errors.New("out of paper")
	wantErr(t, "handle", c.Handle(ctx, nil, func(ctx context.Context, dv Delivery) error {
		d.write(ctx, "in the handler")
		switch string(dv.Body) {
		case "1":
			return failed
		case "2":
			return dv.Ack(ctx)
		}
		stop()
		return fmt.Errorf("%w: %w", ErrReject, failed)
	}))
	d.wants(t, "Handle",
		"received from q: 1, handled true, redelivered false", "handle 1 of q", "handle> in the handler", "handle> handled: out of paper",
		"handle> requeue 1 of q at 1, through false", "handle> settle> settled: <nil>",
		"received from q: 2, handled true, redelivered false", "handle 2 of q", "handle> in the handler",
		"handle> ack 1 of q at 2, through false", "handle> settle> settled: <nil>", "handle> handled: <nil>",
		"received from q: 3, handled true, redelivered false", "handle 3 of q", "handle> in the handler", "handle> handled: reject the delivery: out of paper",
		"handle> reject 1 of q at 3, through false", "handle> settle> settled: <nil>")
	wantErr(t, "close", c.Close())
}

// TestTraceNothing: a Trace without functions changes nothing.
func TestTraceNothing(t *testing.T) {
	s := newFakeSub()
	b := New((&fakeAdapter{}).consumes(s), &Options{Trace: new(Trace)})
	wantErr(t, "publish", b.Publish(t.Context(), "e", "k", Message{}))
	c, err := b.Consume(t.Context(), "q", nil)
	wantErr(t, "consume", err)
	s.push(2)
	dv, err := c.Receive(t.Context())
	wantErr(t, "receive", err)
	wantErr(t, "ack", dv.Ack(t.Context()))
	ctx, stop := context.WithCancel(t.Context())
	wantErr(t, "handle", c.Handle(ctx, nil, func(context.Context, Delivery) error { stop(); return nil }))
	if got, want := s.settlements(), []string{"ack 1", "ack 2"}; !slices.Equal(got, want) {
		t.Errorf("settled %q, want %q", got, want)
	}
	if e := b.Endpoint(); e != (Endpoint{}) {
		t.Errorf("the endpoint is %v, want none", e)
	}
	wantErr(t, "close", b.Close())
}
