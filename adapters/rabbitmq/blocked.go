package rabbitmq

import (
	"context"
	"fmt"

	amqp "github.com/rabbitmq/amqp091-go"
)

// watchBlocked follows RabbitMQ's word on whether it takes publishes. It ends
// with the connection. See https://www.rabbitmq.com/docs/connection-blocked.
func (p *publisher) watchBlocked(s *session, news <-chan amqp.Blocking) {
	for b := range news {
		if b.Active {
			s.blocked.Store(&b.Reason)
			p.log.Warn("RabbitMQ takes no publishes for now; publishing waits", "reason", b.Reason)
		} else {
			s.blocked.Store(nil)
			p.log.Info("RabbitMQ takes publishes again")
		}
		p.wake()
	}
}

// wait waits until something changed that keeps publishes from being sent.
func (p *publisher) wait(ctx context.Context) error {
	s, err := p.link.get(ctx)
	if err != nil {
		return fmt.Errorf("not sent: %w", err)
	}
	p.mu.Lock()
	changed := p.changed
	p.mu.Unlock()
	why := s.blocked.Load()
	if why == nil && p.main.Load() != nil {
		return nil
	}
	select {
	case <-changed:
		return nil
	case <-p.link.ctx.Done():
		return fmt.Errorf("not sent: %w", errClosed)
	case <-ctx.Done():
		if why != nil {
			return gaveUp(ctx, fmt.Sprintf("not sent: the server takes no publishes for now, because of %s", *why))
		}
		return gaveUp(ctx, "not sent: the channel was closed and is being opened again")
	}
}
