package pubsub

import (
	"context"
	"maps"
	"testing"
)

// TestMultiTrace: in order at the start, the other way round at the end, and
// the contexts add up.
func TestMultiTrace(t *testing.T) {
	var d diary
	named := func(name string) *Trace {
		return &Trace{
			Opened: func(*Broker) { d.write(context.Background(), "%s opened", name) },
			Closed: func(*Broker) { d.write(context.Background(), "%s closed", name) },
			PublishStart: func(ctx context.Context, p *PublishTrace) context.Context {
				d.write(ctx, "%s starts", name)
				p.SetHeader(name, name)
				return d.within(ctx, name)
			},
			PublishEnd: func(ctx context.Context, _ *PublishTrace) { d.write(ctx, "%s ends", name) },
			Received:   func(ctx context.Context, _ *ReceiveTrace) { d.write(ctx, "%s receives", name) },
		}
	}
	only := &Trace{SettleEnd: func(ctx context.Context, _ *SettleTrace) { d.write(ctx, "only settles") }}
	s := newFakeSub()
	a := (&fakeAdapter{}).consumes(s)
	var sent Table
	a.onPublish = func(_ context.Context, p *Publication) { sent = p.Headers; p.Confirm(nil) }
	b := New(a, &Options{Trace: MultiTrace(named("a"), nil, only, named("b"))})
	wantErr(t, "publish", b.Publish(t.Context(), "e", "k", Message{}))
	c, err := b.Consume(t.Context(), "q", nil)
	wantErr(t, "consume", err)
	s.push(1)
	dv, err := c.Receive(t.Context())
	wantErr(t, "receive", err)
	wantErr(t, "ack", dv.Ack(t.Context()))
	wantErr(t, "close", b.Close())
	d.wants(t, "two traces", "a opened", "b opened", "a starts", "a> b starts", "a> b> b ends", "a> b> a ends",
		"a receives", "b receives", "only settles", "b closed", "a closed")
	if want := (Table{"a": "a", "b": "b"}); !maps.Equal(sent, want) {
		t.Errorf("headers %v were sent, want %v", sent, want)
	}
	if m := MultiTrace(nil, nil); m != nil {
		t.Errorf("no traces make %v, want nil", m)
	}
	if m := MultiTrace(nil, only); m != only {
		t.Errorf("one trace makes another")
	}
}
