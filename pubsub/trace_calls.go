package pubsub

import (
	"context"
	"time"
)

// tracer calls a Trace for one Broker. It is nil where there is none: who calls
// looks at that first. Data are built only for functions that are there.
type tracer struct {
	*Trace
	broker *Broker
}

func newTracer(b *Broker, t *Trace) *tracer {
	if t == nil {
		return nil
	}
	if t.Opened != nil {
		t.Opened(b)
	}
	return &tracer{t, b}
}

// closed tells that the Broker has ended.
func (t *tracer) closed() {
	if t != nil && t.Closed != nil {
		t.Closed(t.broker)
	}
}

// startPublish begins to trace p, until its Confirm. Who hands p to the adapter
// sets Sent before. It returns nil if nobody wants to know.
func (t *tracer) startPublish(ctx context.Context, p *Publication) (context.Context, *PublishTrace) {
	if t.PublishStart == nil && t.PublishEnd == nil {
		return ctx, nil
	}
	data := &PublishTrace{Broker: t.broker, Envelope: &p.Envelope, Mandatory: p.Mandatory}
	if t.PublishStart != nil {
		ctx = t.PublishStart(ctx, data)
	}
	if t.PublishEnd != nil {
		p.result.Store(&result{ // nobody else has p yet
			done: make(chan struct{}),
			traced: func(err error) {
				data.Err = err
				t.PublishEnd(ctx, data)
			},
		})
	}
	return ctx, data
}

// now is when a call begins, for received; it is not read if nobody wants it.
func (t *tracer) now() (began time.Time) {
	if t != nil && t.Received != nil {
		began = time.Now()
	}
	return began
}

// received traces one delivery that is about to be handed over.
func (t *tracer) received(ctx context.Context, d Delivery, handled bool, began time.Time) {
	if t.Received != nil {
		t.Received(ctx, &ReceiveTrace{Broker: t.broker, Delivery: d, Handled: handled, Began: began})
	}
}

// startHandle begins to trace one call of a handler; t may be nil. The context
// is for the handler and for settling; end is called with what it returned.
func (t *tracer) startHandle(ctx context.Context, d Delivery) (handling context.Context, end func(error)) {
	if t == nil || t.HandleStart == nil && t.HandleEnd == nil {
		return ctx, untraced
	}
	data := &HandleTrace{Broker: t.broker, Delivery: d}
	if t.HandleStart != nil {
		ctx = t.HandleStart(ctx, data)
	}
	return ctx, func(err error) {
		data.Err = err
		if t.HandleEnd != nil {
			t.HandleEnd(ctx, data)
		}
	}
}

func untraced(error) {}

// process calls h as a handler, and traces its end also where it panics or ends
// its goroutine.
func (t *tracer) process(ctx context.Context, d Delivery, h func(context.Context) error) error {
	ctx, end := t.startHandle(ctx, d)
	returned := false
	defer func() {
		if returned {
			return
		}
		if v := recover(); v != nil {
			end(newPanicError("the handler", v))
			panic(v)
		}
		end(errExited)
	}()
	err := h(ctx)
	returned = true
	end(err)
	return err
}

// settle is s.Settle for d and n-1 deliveries before it.
func (t *tracer) settle(ctx context.Context, s Settler, d *Delivery, as Outcome, through bool, n int) error {
	if t.SettleStart == nil && t.SettleEnd == nil {
		return s.Settle(ctx, d.tag, as, through)
	}
	data := &SettleTrace{Broker: t.broker, Delivery: *d, Outcome: as, Through: through, Count: n}
	if t.SettleStart != nil {
		ctx = t.SettleStart(ctx, data)
	}
	data.Err = s.Settle(ctx, d.tag, as, through)
	if t.SettleEnd != nil {
		t.SettleEnd(ctx, data)
	}
	return data.Err
}
