package rabbitmq

import (
	"context"
	"errors"

	"github.com/gobindery/bindery/pubsub"
)

// largeBody is a body that a server might be set to refuse: RabbitMQ 4's
// default limit is 16 MiB, that of 3.x is 128 MiB (max_message_size).
const largeBody = 16 << 20

// suspect reports whether RabbitMQ may find fault with more than the exchange:
// a user id that isn't the connection's, a body too large, a reply address that needs
// a consumer on the same channel.
func suspect(p *pubsub.Publication) bool {
	m := &p.Message
	return m.UserID != "" || len(m.Body) > largeBody || m.ReplyTo == replyTo
}

// try sends a publish on the trial lane and waits for its outcome, so that the
// channel, if it is closed, had no other publish on it. Publishes before it
// have their outcome first: RabbitMQ doesn't keep the order of two channels.
func (p *publisher) try(ctx context.Context, f flight) error {
	l, err := p.lane(ctx)
	if err != nil {
		return err
	}
	if err := l.drained(ctx); err != nil {
		return err
	}
	select {
	case p.trialMu <- struct{}{}:
	case <-ctx.Done():
		return gaveUp(ctx, "not sent: waited for others to exchanges that are new")
	}
	if (*p.good.Load())[f.p.Exchange] && !suspect(f.p) {
		// Another goroutine's publish to it went well meanwhile.
		<-p.trialMu
		return p.publish(ctx, f.p)
	}
	outcome := make(chan struct{})
	exchange := f.p.Exchange
	f.then = func(err error) {
		if err == nil || errors.Is(err, pubsub.ErrUnroutable) || errors.Is(err, pubsub.ErrRefused) {
			p.setGood(exchange, true)
		}
		<-p.trialMu
		close(outcome)
	}
	if err := p.sendTrial(ctx, f); err != nil {
		<-p.trialMu
		return err
	}
	select {
	case <-outcome:
	case <-ctx.Done(): // it is on its way
	}
	return nil
}

// sendTrial sends f on the trial lane. p.trialMu is held.
func (p *publisher) sendTrial(ctx context.Context, f flight) error {
	for {
		main, err := p.lane(ctx)
		if err != nil {
			return err
		}
		l := p.trial.Load()
		if l == nil || l.s != main.s || l.ch.IsClosed() {
			l, err = p.openTrial(ctx, main.s)
		}
		if err == nil {
			p.address(&f)
			if l.send(f) == nil {
				return nil
			}
			p.trial.CompareAndSwap(l, nil)
		}
		switch {
		case main.s.alive() && err != nil:
			return errorOf(err)
		case !main.s.alive():
			if err := p.gone(ctx, main); err != nil {
				return err
			}
		}
	}
}

func (p *publisher) openTrial(ctx context.Context, s *session) (*lane, error) {
	return within(ctx, p.crew, func() (*lane, error) {
		l, err := newLane(s)
		if err != nil {
			return nil, err
		}
		p.trial.Store(l)
		if !s.alive() {
			// lost may have been called before there was this lane; nothing
			// is on it yet.
			p.trial.CompareAndSwap(l, nil)
		}
		return l, nil
	})
}
