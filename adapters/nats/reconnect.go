package nats

import (
	"maps"
	"slices"

	"github.com/nats-io/nats.go"
)

// reconnected is called by nats.go when a lost connection is there again. What was on its way
// may be lost: it is asked for again, and sent again.
func (c *Conn) reconnected(nc *nats.Conn) {
	c.log.Info("connected to NATS again", "server", nc.ConnectedUrlRedacted(), "vhost", c.names.vhost)
	for _, f := range c.feeds() {
		f.reconnected()
	}
	c.publisher.sendAgain()
	c.mu.Lock()
	queues := make([]string, 0, len(c.leaders))
	for incarnation, l := range c.leaders {
		if l.queue.record.Owner == "" {
			queues = append(queues, incarnation)
		}
	}
	subs := make([]*subscription, 0, len(c.subs))
	for _, s := range c.subs {
		subs = append(subs, s)
	}
	c.mu.Unlock()
	// Others may lack deliveries from here, and this one those from others. Who joins again
	// says what it has; the rest goes back to the queue.
	for _, incarnation := range queues {
		c.control.tell(&notice{Queue: incarnation, Leader: c.id, Before: c.id, Again: true})
	}
	for _, s := range subs {
		s.rejoin("")
	}
}

// rejoin joins the queue's leader again, if that is at another connection (the one given,
// unless that is empty).
func (s *subscription) rejoin(leader string) {
	s.mu.Lock()
	remote := s.remote
	s.mu.Unlock()
	if remote != "" && (leader == "" || leader == remote) {
		s.detach(remote, false)
	}
}

// reconnected asks for messages again: what was asked for before is forgotten.
func (f *feed) reconnected() {
	f.mu.Lock()
	f.outstanding = 0
	f.mu.Unlock()
	f.check(false)
}

// sendAgain sends everything again that isn't answered, in its order.
func (p *publisher) sendAgain() {
	p.mu.Lock()
	late := maps.Clone(p.sent)
	maps.DeleteFunc(late, func(_ uint64, s *sending) bool { return s.waits })
	p.mu.Unlock()
	for _, token := range slices.Sorted(maps.Keys(late)) {
		p.transmit(late[token])
	}
}
