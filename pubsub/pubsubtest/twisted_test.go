package pubsubtest

import (
	"context"

	"github.com/gobindery/bindery/pubsub"
)

// twisted is an adapter that does some things wrongly, around one that does them
// right. A nil function leaves its part as it is.
type twisted struct {
	pubsub.Adapter

	exchange func(*pubsub.Exchange)                     // changes what is declared
	queue    func(*pubsub.Queue)                        // changes what is declared
	options  func(*pubsub.ConsumeOptions)               // changes how it consumes
	bind     func(*pubsub.Binding) (leaveOut bool)      // changes what is bound
	unbind   func(*pubsub.Binding) (leaveOut bool)      // changes what is unbound
	outgoing func(*pubsub.Publication) (copies int)     // changes what is published
	outcome  func(error) error                          // changes the outcome of a publish
	incoming func(*pubsub.Incoming)                     // changes what is received; its envelope is a copy
	settle   func(s pubsub.Settler, v settlement) error // settles instead
	failed   func(op string, err error) error           // changes the error of other calls
	counted  func(op string, n int) int                 // changes counts
}

// settlement is one call of Settle.
type settlement struct {
	ctx      context.Context
	queue    string
	tag      uint64
	outcome  pubsub.Outcome
	multiple bool
}

func (v settlement) to(s pubsub.Settler) error { return s.Settle(v.ctx, v.tag, v.outcome, v.multiple) }

func (t *twisted) err(op string, err error) error {
	if t.failed != nil {
		return t.failed(op, err)
	}
	return err
}

func (t *twisted) count(op string, n int) int {
	if t.counted != nil {
		return t.counted(op, n)
	}
	return n
}

func (t *twisted) DeclareExchange(ctx context.Context, e pubsub.Exchange) error {
	if t.exchange != nil {
		t.exchange(&e)
	}
	return t.err("declare exchange", t.Adapter.DeclareExchange(ctx, e))
}

func (t *twisted) DeleteExchange(ctx context.Context, name string, o pubsub.DeleteExchangeOptions) error {
	return t.err("delete exchange", t.Adapter.DeleteExchange(ctx, name, o))
}

func (t *twisted) DeclareQueue(ctx context.Context, q pubsub.Queue) (pubsub.QueueInfo, error) {
	if t.queue != nil {
		t.queue(&q)
	}
	info, err := t.Adapter.DeclareQueue(ctx, q)
	if err != nil && q.Name != "" {
		info.Name = q.Name
	}
	return info, t.err("declare queue", err)
}

func (t *twisted) InspectQueue(ctx context.Context, name string) (pubsub.QueueInfo, error) {
	info, err := t.Adapter.InspectQueue(ctx, name)
	info.Ready = t.count("ready", info.Ready)
	return info, t.err("inspect queue", err)
}

func (t *twisted) DeleteQueue(ctx context.Context, name string, o pubsub.DeleteQueueOptions) (int, error) {
	n, err := t.Adapter.DeleteQueue(ctx, name, o)
	return t.count("delete", n), t.err("delete queue", err)
}

func (t *twisted) PurgeQueue(ctx context.Context, name string) (int, error) {
	n, err := t.Adapter.PurgeQueue(ctx, name)
	return t.count("purge", n), t.err("purge queue", err)
}

func (t *twisted) Bind(ctx context.Context, b pubsub.Binding) error {
	if t.bind != nil && t.bind(&b) {
		return nil
	}
	return t.err("bind", t.Adapter.Bind(ctx, b))
}

func (t *twisted) Unbind(ctx context.Context, b pubsub.Binding) error {
	if t.unbind != nil && t.unbind(&b) {
		return nil
	}
	return t.err("unbind", t.Adapter.Unbind(ctx, b))
}

func (t *twisted) Publish(ctx context.Context, p *pubsub.Publication) {
	if t.outgoing == nil && t.outcome == nil {
		t.Adapter.Publish(ctx, p)
		return
	}
	copies := 1
	changed := &pubsub.Publication{Envelope: p.Envelope, Mandatory: p.Mandatory}
	if t.outgoing != nil {
		copies = t.outgoing(changed)
	}
	var err error
	for range copies {
		err = t.send(ctx, changed)
	}
	if t.outcome != nil {
		err = t.outcome(err)
	}
	p.Confirm(err)
}

// send publishes, and returns the outcome.
func (t *twisted) send(ctx context.Context, p *pubsub.Publication) error {
	var o []pubsub.PublishOption
	if p.Mandatory {
		o = append(o, pubsub.Mandatory)
	}
	return pubsub.New(t.Adapter, nil).Publish(ctx, p.Exchange, p.RoutingKey, p.Message, o...)
}

func (t *twisted) Consume(ctx context.Context, queue string, o pubsub.ConsumeOptions) (pubsub.Subscription, error) {
	if t.options != nil {
		t.options(&o)
	}
	s, err := t.Adapter.Consume(ctx, queue, o)
	if err != nil {
		return s, t.err("consume", err)
	}
	return &twistedSubscription{s, t, queue}, nil
}

func (t *twisted) Get(ctx context.Context, queue string, o pubsub.GetOptions) (pubsub.Got, error) {
	got, err := t.Adapter.Get(ctx, queue, o)
	got.Ready = t.count("left", got.Ready)
	if got.OK {
		t.received(&got.Incoming)
		if got.Settler != nil {
			got.Settler = &twistedSettler{got.Settler, t, queue}
		}
	}
	return got, t.err("get", err)
}

func (t *twisted) received(in *pubsub.Incoming) {
	if t.incoming != nil {
		e := *in.Envelope
		e.Headers = e.Headers.Clone()
		in.Envelope = &e
		t.incoming(in)
	}
}

// twistedSubscription passes on what a consumer gets and says.
type twistedSubscription struct {
	pubsub.Subscription
	t     *twisted
	queue string
}

func (s *twistedSubscription) Receive(ctx context.Context, buf []pubsub.Incoming) (int, error) {
	n, err := s.Subscription.Receive(ctx, buf)
	for i := range buf[:n] {
		s.t.received(&buf[i])
	}
	return n, s.t.err("receive", err)
}

func (s *twistedSubscription) Settle(ctx context.Context, tag uint64, o pubsub.Outcome, multiple bool) error {
	return (&twistedSettler{s.Subscription, s.t, s.queue}).Settle(ctx, tag, o, multiple)
}

// twistedSettler settles.
type twistedSettler struct {
	pubsub.Settler
	t     *twisted
	queue string
}

func (s *twistedSettler) Settle(ctx context.Context, tag uint64, o pubsub.Outcome, multiple bool) error {
	v := settlement{ctx, s.queue, tag, o, multiple}
	if s.t.settle != nil {
		return s.t.settle(s.Settler, v)
	}
	return v.to(s.Settler)
}
