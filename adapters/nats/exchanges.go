package nats

import (
	"context"
	"fmt"

	"github.com/nats-io/nuid"

	"github.com/gobindery/bindery/adapters/nats/internal/message"
	"github.com/gobindery/bindery/pubsub"
)

// DeclareExchange makes an exchange, or checks that there is an equal one.
func (c *Conn) DeclareExchange(ctx context.Context, e pubsub.Exchange) error {
	if err := c.begin(); err != nil {
		return err
	}
	r := newExchangeRecord(e, nuid.Next())
	return c.topology.change(ctx, func(v *view) (string, *record, error) {
		t, err := v.table.DeclareExchange(e)
		if err != nil {
			return "", nil, err
		}
		if t == v.table {
			return "", nil, errNoChange
		}
		return exchangeKey(e.Name), &record{Exchange: r}, nil
	})
}

// CheckExchange looks whether there is an exchange.
func (c *Conn) CheckExchange(ctx context.Context, name string) error {
	if err := c.begin(); err != nil {
		return err
	}
	t, err := c.topology.sync(ctx)
	if err != nil {
		return err
	}
	if _, ok := t.Exchange(name); !ok {
		return fmt.Errorf("%w: no exchange '%s' in vhost '%s'", pubsub.ErrNotFound, name, c.names.vhost)
	}
	return nil
}

// DeleteExchange deletes an exchange with its bindings.
func (c *Conn) DeleteExchange(ctx context.Context, name string, o pubsub.DeleteExchangeOptions) error {
	if err := c.begin(); err != nil {
		return err
	}
	var incarnation string
	return c.topology.change(ctx, func(v *view) (string, *record, error) {
		t, err := v.table.DeleteExchange(name, o.IfUnused)
		if err != nil {
			return "", nil, err
		}
		is, ok := v.exchanges[name]
		if t == v.table || !ok || incarnation != "" && is != incarnation {
			return "", nil, errNoChange
		}
		incarnation = is
		along := v.along(t)
		delete(along, name)
		return exchangeKey(name), &record{Exchange: &exchangeRecord{Name: name, Incarnation: is}, Gone: true, Along: along}, nil
	})
}

// bindingRecord is the record of a binding between what there is now.
func (v *view) bindingRecord(b pubsub.Binding) *bindingRecord {
	r := &bindingRecord{
		Exchange: b.Exchange, From: v.incarnation(b.Exchange), Queue: b.Queue, ToExchange: b.ToExchange,
		Key: b.Key, Arguments: message.FormatTable(b.Arguments),
	}
	if b.Queue == "" {
		r.To = v.incarnation(b.ToExchange)
	} else if q, ok := v.table.Queue(b.Queue); ok {
		r.To = q.record.Incarnation
	}
	return r
}

// Bind adds a binding.
func (c *Conn) Bind(ctx context.Context, b pubsub.Binding) error {
	if err := c.begin(); err != nil {
		return err
	}
	return c.unlocking(ctx, b.Queue, func() error {
		return c.topology.change(ctx, func(v *view) (string, *record, error) {
			t, err := v.table.Bind(b)
			if err != nil {
				return "", nil, err
			}
			if b.Queue != "" {
				// Both ends are there; the queue may still be another's.
				if _, err := c.usable(v, b.Queue); err != nil {
					return "", nil, err
				}
			}
			if t == v.table {
				return "", nil, errNoChange
			}
			r := v.bindingRecord(b)
			return r.key(), &record{Binding: r}, nil
		})
	})
}

// Unbind takes a binding away. Only one that is there can be locked.
func (c *Conn) Unbind(ctx context.Context, b pubsub.Binding) error {
	if err := c.begin(); err != nil {
		return err
	}
	return c.unlocking(ctx, b.Queue, func() error {
		return c.topology.change(ctx, func(v *view) (string, *record, error) {
			t, err := v.table.Unbind(b)
			if err != nil {
				return "", nil, err
			}
			if t == v.table {
				return "", nil, errNoChange
			}
			if b.Queue != "" {
				if _, err := c.usable(v, b.Queue); err != nil {
					return "", nil, err
				}
			}
			r := v.bindingRecord(b)
			return r.key(), &record{Binding: r, Gone: true, Along: v.along(t)}, nil
		})
	})
}
