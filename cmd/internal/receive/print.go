package receive

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/gobindery/bindery/pubsub"
)

// idle is how long printed messages wait for others before they are
// acknowledged by cancelling the consumer.
const idle = 200 * time.Millisecond

// cancelLimit bounds how long it may take to end a consumer, which goes on when
// the user has interrupted.
const cancelLimit = 5 * time.Second

// printer prints deliveries and acknowledges them.
type printer struct {
	out *output
	log *slog.Logger

	last    pubsub.Delivery // the last one printed
	unacked int             // how many up to it are not acknowledged
}

// print prints what c gets, until ctx or c ends or, with a limit, that many are
// printed. It returns how many it printed; the end of ctx is no error.
//
// With a limit, no message beyond it leaves the queue. The broker sends as many as
// the prefetch allows beyond what is acknowledged. So when just that many are
// wanted, all that was printed is acknowledged, and nothing more until the
// consumer is cancelled. If messages come so
// slowly then that those printed would stay unacknowledged, print cancels the
// consumer before the limit, and returns: its caller goes on with a consumer
// whose prefetch is 1.
func (p *printer) print(ctx context.Context, c *pubsub.Consumer, prefetch, limit int) (n int, err error) {
	deliveries := startReceiving(ctx, c)
	defer deliveries.stop()

	batch := max(1, prefetch/4) // acknowledged at once, while more are there
	hold := func() bool { return limit > 0 && limit-n < prefetch }
	for {
		if !hold() && (p.unacked >= batch || limit > 0 && limit-n == prefetch) {
			if err := p.ack(ctx); err != nil {
				return n, err
			}
		}
		d, ok := deliveries.ready()
		if !ok {
			d, err = p.wait(ctx, deliveries, hold())
			switch {
			case ctx.Err() != nil: // below
			case errors.Is(err, errIdle):
				return n, p.finish(ctx, c)
			case err != nil:
				return n, err
			}
		}
		if ctx.Err() != nil { // the message in hand is printed; d is another
			return n, p.ack(context.WithoutCancel(ctx))
		}
		if err := d.Process(ctx, func(context.Context) error { return p.out.write(&d) }); err != nil {
			return n, err
		}
		p.last = d
		p.unacked++
		if n++; n == limit {
			return n, p.finish(ctx, c)
		}
	}
}

// errIdle says that nothing came for a while.
var errIdle = errors.New("idle")

// wait returns the next delivery. What was printed before is out, and is
// acknowledged, unless hold says not to.
func (p *printer) wait(ctx context.Context, ds *receiving, hold bool) (pubsub.Delivery, error) {
	var idled <-chan time.Time
	if !hold {
		if err := p.ack(ctx); err != nil {
			return pubsub.Delivery{}, err
		}
	} else {
		if err := p.out.flush(); err != nil {
			return pubsub.Delivery{}, err
		}
		if p.unacked > 0 {
			t := time.NewTimer(idle)
			defer t.Stop()
			idled = t.C
		}
	}
	select {
	case d, ok := <-ds.deliveries:
		if !ok {
			return d, errors.Join(ds.err, p.ack(ctx))
		}
		return d, nil
	case <-idled:
		return pubsub.Delivery{}, errIdle
	case <-ctx.Done():
		return pubsub.Delivery{}, ctx.Err()
	}
}

// finish cancels the consumer, so that no more come, and then acknowledges what was
// printed.
func (p *printer) finish(ctx context.Context, c *pubsub.Consumer) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cancelLimit)
	defer cancel()
	if err := p.out.flush(); err != nil {
		return err
	}
	return errors.Join(c.Cancel(ctx), p.ack(ctx))
}

// ack writes out what was printed and acknowledges it.
func (p *printer) ack(ctx context.Context) error {
	if err := p.out.flush(); err != nil || p.unacked == 0 {
		return err
	}
	n := p.unacked
	p.unacked = 0
	err := p.last.AckThrough(ctx)
	if errors.Is(err, pubsub.ErrDeliveryLost) {
		p.log.Warn("the connection was lost before messages were acknowledged; they come again", "messages", n)
		return nil
	}
	return err
}

// receiving takes deliveries from a consumer in a goroutine of its own, so that
// its owner can tell whether one is there.
type receiving struct {
	deliveries chan pubsub.Delivery // closed at the end
	err        error                // why it ended; for reading once that is closed
	cancel     context.CancelFunc
	done       sync.WaitGroup
}

func startReceiving(ctx context.Context, c *pubsub.Consumer) *receiving {
	ctx, cancel := context.WithCancel(ctx)
	r := &receiving{deliveries: make(chan pubsub.Delivery, 256), cancel: cancel}
	r.done.Go(func() {
		defer close(r.deliveries)
		for {
			var d pubsub.Delivery
			if d, r.err = c.Receive(ctx); r.err != nil {
				return
			}
			select {
			case r.deliveries <- d:
			case <-ctx.Done():
				r.err = ctx.Err()
				return
			}
		}
	})
	return r
}

// ready returns the next delivery if it is there.
func (r *receiving) ready() (d pubsub.Delivery, ok bool) {
	select {
	case d, ok = <-r.deliveries:
	default:
	}
	return d, ok
}

// stop ends the goroutine. What it has taken is left unsettled.
func (r *receiving) stop() {
	r.cancel()
	r.done.Wait()
}
