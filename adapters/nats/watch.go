package nats

import "context"

// watch looks whether those are there whom others depend on: who leads a queue that is
// consumed from here, and who consumes from a queue that is led here. It is called
// every second, so that what a process had that was killed is back within two. One
// that is there but doesn't answer counts as gone after deadAfter.
func (c *Conn) watch() {
	c.mu.Lock()
	leaders := make([]*leader, 0, len(c.leaders))
	for _, l := range c.leaders {
		leaders = append(leaders, l)
	}
	subs := make([]*subscription, 0, len(c.subs))
	for _, s := range c.subs {
		subs = append(subs, s)
	}
	c.mu.Unlock()

	others := make(map[string]bool)
	for _, l := range leaders {
		l.mu.Lock()
		for m := range l.members {
			if m.conn != c.id {
				others[m.conn] = true
			}
		}
		l.mu.Unlock()
	}
	for _, s := range subs {
		s.mu.Lock()
		remote, waiting := s.remote, len(s.unsent.waiting) > 0 && !s.unsent.sending
		s.mu.Unlock()
		if remote == "" {
			continue
		}
		others[remote] = true
		if waiting {
			c.running.Go(s.sendSettlements)
		}
	}
	for conn := range others {
		c.mu.Lock()
		busy := c.watched[conn]
		c.watched[conn] = true
		c.mu.Unlock()
		if busy {
			continue
		}
		c.spawn(func(ctx context.Context) {
			alive, err := c.lives(ctx, conn)
			c.mu.Lock()
			delete(c.watched, conn)
			c.mu.Unlock()
			if err == nil && !alive {
				c.connGone(conn)
			}
		})
	}
}

// connGone is called when another connection is gone without a word.
func (c *Conn) connGone(conn string) {
	c.log.Info("a connection is gone", "vhost", c.names.vhost, "connection", conn)
	c.mu.Lock()
	leaders := make([]*leader, 0, len(c.leaders))
	for _, l := range c.leaders {
		leaders = append(leaders, l)
	}
	for incarnation, remote := range c.remotes {
		if remote == conn {
			delete(c.remotes, incarnation)
		}
	}
	subs := make([]*subscription, 0, len(c.subs))
	for _, s := range c.subs {
		subs = append(subs, s)
	}
	c.mu.Unlock()
	for _, l := range leaders {
		var members []member
		l.mu.Lock()
		for m := range l.members {
			if m.conn == conn {
				members = append(members, m)
			}
		}
		l.mu.Unlock()
		if len(members) > 0 {
			l.leaveNow(members...)
			// Should it be there still, its consumers join again.
			c.control.tell(&notice{Queue: l.queue.record.Incarnation, Leader: c.id, Again: true, To: conn})
		}
	}
	for _, s := range subs {
		s.detach(conn, false)
	}
}
