package topology

import (
	"context"

	"github.com/gobindery/bindery/pubsub"
)

// unbind takes a binding away that was listed. A listing may tell all integers
// as int64, where the binding has the int32 that most clients send; RabbitMQ
// takes these for two bindings. So the other is taken away too: if it is not
// there, that does nothing.
func unbind(ctx context.Context, b *pubsub.Broker, bd pubsub.Binding) error {
	if err := b.Unbind(ctx, bd); err != nil {
		return err
	}
	args, changed := narrow(bd.Arguments)
	if !changed {
		return nil
	}
	bd.Arguments = args.(pubsub.Table)
	return b.Unbind(ctx, bd)
}

// narrow returns a value with each int64 that fits as an int32.
func narrow(v any) (_ any, changed bool) {
	switch v := v.(type) {
	case int64:
		if n := int32(v); int64(n) == v {
			return n, true
		}
	case pubsub.Table:
		t := make(pubsub.Table, len(v))
		for name, e := range v {
			n, ch := narrow(e)
			t[name], changed = n, changed || ch
		}
		return t, changed
	case []any:
		list := make([]any, len(v))
		for i, e := range v {
			n, ch := narrow(e)
			list[i], changed = n, changed || ch
		}
		return list, changed
	}
	return v, false
}
