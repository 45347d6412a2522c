package topology

import (
	"context"
	"fmt"

	"github.com/gobindery/bindery/pubsub"
)

// ApplyOptions choose what [Apply] does.
type ApplyOptions struct {
	// DryRun changes nothing: Apply returns what it would do.
	DryRun bool

	// Prune deletes what is there and not wanted, queues with the messages in
	// them, but nothing that comes and goes by itself.
	Prune bool
}

// Apply makes the real topology as wanted, and returns what it did, in that
// order: it creates exchanges, each after its alternate exchange, then queues,
// then bindings, those first that are further from where messages come in, so
// that none is lost on a way that is half made. Only then it deletes, if
// asked, the other way round: bindings, queues, exchanges. Options may be nil.
//
// An exchange or queue that is there and not equal can't be changed: the error
// is a [*MismatchError] that names all of those, and nothing was changed. Nor
// is it if a binding's exchange or queue is neither wanted nor there (with
// Prune: is not wanted), which is [pubsub.ErrNotFound], or if something can't
// be declared anywhere, as [pubsub.Topology.Validate] tells. If a change fails,
// the error says which, and the changes before it are returned; the next Apply
// does the rest. An Apply after an Apply does nothing.
//
// It needs a broker that can list what there is; else the error wraps
// [pubsub.ErrUnsupported]. Of two at the same time, each declares what it
// wants: that is safe, unless one deletes what the other has made.
func Apply(ctx context.Context, b *pubsub.Broker, want pubsub.Topology, o *ApplyOptions) (done []Change, err error) {
	if o == nil {
		o = new(ApplyOptions)
	}
	have, err := b.Topology(ctx)
	if err != nil {
		return nil, err
	}
	p, err := newPlan(want, have, o.Prune)
	if err != nil {
		return nil, fmt.Errorf("apply the topology, of which nothing was changed: %w", err)
	}
	if o.DryRun {
		return p.changes, nil
	}
	for i, c := range p.changes {
		if err := c.apply(ctx, b); err != nil {
			return p.changes[:i], err
		}
	}
	for _, c := range p.again {
		if err := c.apply(ctx, b); err != nil {
			return p.changes, err
		}
	}
	return p.changes, nil
}

// apply makes one change. All of them may be made twice.
func (c Change) apply(ctx context.Context, b *pubsub.Broker) error {
	del := c.Action == Delete
	switch {
	case c.Exchange != nil && del:
		return b.DeleteExchange(ctx, c.Exchange.Name, nil)
	case c.Exchange != nil:
		return b.DeclareExchange(ctx, *c.Exchange)
	case c.Queue != nil && del:
		_, err := b.DeleteQueue(ctx, c.Queue.Name, nil)
		return err
	case c.Queue != nil:
		_, err := b.DeclareQueue(ctx, c.Queue.Queue)
		return err
	case del:
		return unbind(ctx, b, *c.Binding)
	}
	return b.Bind(ctx, *c.Binding)
}
