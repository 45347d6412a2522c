package pubsub

import (
	"context"
	"errors"
	"fmt"
)

// parkedHeader says why a message was parked. A message that somebody moves
// back from there with this header has all its attempts again.
const parkedHeader = "x-parked"

// park publishes a message that is given up to the parking queue, and returns
// once the broker has it.
func (r *retrying) park(ctx context.Context, d *Delivery, a *attempts, why error) error {
	reason := fmt.Sprintf("attempt %d of %d failed: %s", a.failed, r.Attempts, errorText(why))
	if errors.Is(why, ErrPark) {
		reason = fmt.Sprintf("parked by its handler in attempt %d: %s", a.failed, errorText(why))
	}
	m := a.message(d)
	if a.brief {
		reason = fmt.Sprintf("attempt %d failed", a.failed)
	}
	m.Headers[parkedHeader] = reason
	err := r.b.Publish(ctx, "", r.Park, m, Mandatory)
	if errors.Is(err, ErrUnroutable) {
		// Somebody has deleted the queue since Handle began.
		if _, err := r.b.DeclareQueue(ctx, Queue{Name: r.Park, Durable: true, Arguments: r.Arguments}); err != nil {
			return err
		}
		err = r.b.Publish(ctx, "", r.Park, m, Mandatory)
	}
	return err
}
