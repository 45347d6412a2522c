package pubsub

import (
	"context"
	"errors"
	"runtime"
	"testing"
)

// received is a delivery of a Broker with a Trace, which the diary begins after.
func (d *diary) received(t *testing.T) (*Consumer, Delivery) {
	t.Helper()
	s := newFakeSub()
	b := New((&fakeAdapter{}).consumes(s), &Options{Trace: d.trace()})
	c, err := b.Consume(t.Context(), "q", nil)
	wantErr(t, "consume", err)
	s.push(1)
	dv, err := c.Receive(t.Context())
	wantErr(t, "receive", err)
	d.take()
	return c, dv
}

// TestTraceProcess: what a program does with a delivery that it received.
func TestTraceProcess(t *testing.T) {
	var d diary
	c, dv := d.received(t)
	wantErr(t, "process", dv.Process(t.Context(), func(ctx context.Context) error {
		return errors.Join(dv.Ack(ctx), errScripted)
	}), errScripted)
	d.wants(t, "Process", "handle 1 of q", "handle> ack 1 of q at 1, through false", "handle> settle> settled: <nil>", "handle> handled: "+errScripted.Error())

	// A delivery that came with an error, and one without a Trace.
	wantErr(t, "close", c.Close())
	none, err := c.Receive(t.Context())
	wantErr(t, "receive", err, ErrClosed)
	if q := none.Queue(); q != "" {
		t.Errorf("a delivery that came with an error is from %q", q)
	}
	s := newFakeSub()
	_, plain := consume(t, s, nil)
	s.push(1)
	for _, dv := range []Delivery{none, receive(t, plain, 1)[0]} {
		wantErr(t, "process", dv.Process(t.Context(), func(context.Context) error { return errScripted }), errScripted)
	}
	d.wants(t, "what is not traced")
}

// TestTraceProcessUnreturned: a panic goes on, and so does the end of a
// goroutine, but not unseen.
func TestTraceProcessUnreturned(t *testing.T) {
	var d diary
	c, dv := d.received(t)
	func() {
		defer func() {
			if v := recover(); v != "out of paper" {
				t.Errorf("the panic is %v", v)
			}
		}()
		_ = dv.Process(t.Context(), func(context.Context) error { panic("out of paper") })
	}()
	d.wants(t, "a panic", "handle 1 of q", "handle> handled: the handler panicked: out of paper")
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = dv.Process(t.Context(), func(context.Context) error { runtime.Goexit(); return nil })
	}()
	<-done
	d.wants(t, "an exit", "handle 1 of q", "handle> handled: "+errExited.Error())
	wantErr(t, "close", c.Close())
}
