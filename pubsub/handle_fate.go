package pubsub

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// fate is what becomes of a delivery when its handler has returned.
type fate struct {
	do    doing
	pause time.Duration // before the next attempt
}

// doing is one of the ways on.
type doing uint8

const (
	acknowledge doing = iota
	reject
	requeue
	retry
	park
	lose // it is back in its queue already
)

func (d doing) String() string {
	return [...]string{"ack", "reject", "requeue", "retry", "park", "lost"}[d]
}

// attemptsOf reads a delivery's attempts; nil if nobody counts them.
func (hd *handling) attemptsOf(d *Delivery) *attempts {
	if hd.retrying == nil {
		return nil
	}
	a := attemptsOf(d.Envelope, hd.c.origin.queue)
	return &a
}

// fateOf decides by what the handler returned, and counts a failure.
func (hd *handling) fateOf(d *Delivery, a *attempts, err error) fate {
	switch {
	case err == nil, isAnswered(err), d.claimed():
		return fate{do: acknowledge} // which changes nothing where it is settled
	case hd.c.lost(d):
		return fate{do: lose}
	case errors.Is(err, ErrReject):
		return fate{do: reject}
	case hd.retrying == nil:
		return fate{do: requeue}
	}
	a.fail(err, time.Now())
	if a.failed >= hd.retrying.Attempts || errors.Is(err, ErrPark) {
		return fate{do: park}
	}
	return fate{do: retry, pause: hd.retrying.pause(a.failed, err)}
}

func (hd *handling) log(ctx context.Context, f fate, a *attempts, err error) {
	if err == nil || isAnswered(err) {
		return
	}
	args := []any{"queue", hd.c.origin.queue, "outcome", f.do.String(), "error", err}
	if a != nil {
		args = append(args, "failed", a.failed)
	}
	if f.do == retry {
		args = append(args, "pause", f.pause)
	}
	if p, ok := errors.AsType[*panicError](err); ok {
		args = append(args, "stack", string(p.stack))
	}
	hd.c.b.log.WarnContext(ctx, "handler failed", args...)
}

// errAgain says that a delivery is to be handled once more where it is.
var errAgain = errors.New("handle it again")

// finish settles a delivery, after it has published what is retried or parked.
// err is the handler's. What it returns ends Handle, but for errAgain: its queue
// is full, and refuses what is to come again at once. Requeued, it would come
// again at once too, and ever again, because its attempts would not count. The
// lane is the one whose first d is, if there is one.
func (hd *handling) finish(ctx context.Context, d Delivery, a *attempts, f fate, err error, l *lane) error {
	switch f.do {
	case acknowledge:
		return hd.settle(ctx, &d, Ack)
	case reject:
		return hd.settle(ctx, &d, Reject)
	case lose:
		return hd.settle(ctx, &d, Requeue) // which changes nothing
	case requeue:
		if misused := needsRetry(err); misused != nil {
			return errors.Join(opError(opReceive, "queue "+quote(hd.c.origin.queue), misused), hd.requeue(ctx, &d, l))
		}
		return hd.requeue(ctx, &d, l)
	}
	moved := hd.move(ctx, &d, a, f, err)
	if tooLarge(moved) {
		a.brief = true
		moved = hd.move(ctx, &d, a, f, err)
	}
	if moved == nil {
		return hd.settle(ctx, &d, Ack)
	}
	if f.do == retry && f.pause == 0 && errors.Is(moved, ErrRefused) {
		return errAgain
	}
	settled := hd.requeue(ctx, &d, l)
	if passes(moved) {
		hd.c.b.log.WarnContext(ctx, "message is requeued, because it can't be sent where it was to go", "queue", hd.c.origin.queue, "outcome", f.do.String(), "error", moved)
		return settled
	}
	return errors.Join(fmt.Errorf("%s a message of queue %s, which is requeued instead: %w", f.do, quote(hd.c.origin.queue), moved), settled)
}

// move publishes what is retried or parked.
func (hd *handling) move(ctx context.Context, d *Delivery, a *attempts, f fate, err error) error {
	if f.do == park {
		return hd.retrying.park(ctx, d, a, err)
	}
	return hd.retrying.send(ctx, f.pause, a.message(d))
}

// tooLarge reports whether a publish may have failed because the message has
// become too large by its header x-retry. Backends say so in different ways.
func tooLarge(err error) bool {
	return errors.Is(err, ErrUnsupported) || errors.Is(err, ErrPreconditionFailed) || errors.Is(err, ErrInvalid)
}

// passes reports whether a publish failed for a reason that goes by itself, or
// ends the consumer too.
func passes(err error) bool {
	return errors.Is(err, ErrUnconfirmed) || errors.Is(err, ErrUnavailable) || errors.Is(err, ErrClosed) || isContextError(err)
}

// needsRetry is why a handler's error can't be done without a Retry.
func needsRetry(err error) error {
	if _, ok := errors.AsType[*retryAfter](err); ok || errors.Is(err, ErrPark) {
		return fmt.Errorf("%w: the handler asked to park or to pause, which needs HandleOptions.Retry: %w", ErrInvalid, err)
	}
	return nil
}

// settle settles a delivery unless its handler has.
func (hd *handling) settle(ctx context.Context, d *Delivery, o Outcome) error {
	if !d.settleable() {
		return nil // AutoAck
	}
	err := d.settle(ctx, o)
	// A lost delivery comes again; the consumer's end, if it has come, shows
	// in the next Receive.
	if errors.Is(err, ErrSettled) || errors.Is(err, ErrDeliveryLost) || errors.Is(err, ErrClosed) {
		return nil
	}
	return err
}

// claimed reports whether somebody settles or has settled d, or it is back in
// its queue.
func (d *Delivery) claimed() bool {
	return d.window.claimed(uint(d.index)) || d.window.origin.closed.Load()
}
