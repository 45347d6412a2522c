package nats

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/gobindery/bindery/pubsub"
	"github.com/gobindery/bindery/pubsub/classic"
)

// A queue that refuses messages when it is full has its leader decide: a copy
// for it goes to the leader, which stores it or says no. The store's
// answer goes to the publisher directly.

var (
	refusedAnswer = []byte(`{"refused":true,"error":null}`)
	nobodyAnswer  = []byte(`{"nobody":true,"error":null}`)
)

// askAdmission sends a copy to the leader of its queue.
func (p *publisher) askAdmission(token uint64, s *sending) {
	c := p.conn
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	l, remote, err := c.findLeader(ctx, s.queue, true)
	switch {
	case errors.Is(err, pubsub.ErrNotFound):
		p.resolve(token, nil) // deleted just after it was routed
	case err != nil:
		// retry asks again
	default:
		p.askLeader(l, remote, new(paper).write(p, s))
	}
}

// askLeader asks the leader, which is here or elsewhere, to let a message in.
func (p *publisher) askLeader(l *leader, remote string, m *nats.Msg) {
	if l != nil {
		p.admit(l, m)
		return
	}
	m.Subject = p.conn.names.controlSubject(remote)
	p.conn.nc.PublishMsg(m) // retry sends it again if it fails
}

// knownLeader returns who leads a queue, as far as is known: here, or another connection's id.
func (c *Conn) knownLeader(q *queue) (l *leader, remote string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.leaders[q.record.Incarnation], c.remotes[q.record.Incarnation]
}

// admit stores a message for a queue that is led here, or refuses it.
func (p *publisher) admit(l *leader, m *nats.Msg) {
	nc := p.conn.nc
	ok, err := l.admit(m.Header.Get(idHeader), len(m.Data), func() *pubsub.Publication {
		pub, err := decode(m)
		if err != nil {
			p.conn.warn("a message that was refused can't be read", err)
			return &pubsub.Publication{}
		}
		return pub
	})
	switch {
	case err != nil:
		nc.Publish(m.Reply, nobodyAnswer)
	case !ok:
		nc.Publish(m.Reply, refusedAnswer)
	default:
		stored := *m
		stored.Subject = l.queue.subject
		nc.PublishMsg(&stored)
	}
}

// relay takes a copy that another connection has sent.
func (p *publisher) relay(m *nats.Msg) {
	c := p.conn
	c.mu.Lock()
	l := c.leaders[m.Header.Get(admitHeader)]
	c.mu.Unlock()
	if l == nil {
		c.nc.Publish(m.Reply, nobodyAnswer)
		return
	}
	p.admit(l, m)
}

// admit reports whether a message may go to a queue that refuses what is too much.
func (l *leader) admit(id string, size int, p func() *pubsub.Publication) (ok bool, err error) {
	err = l.do(func() error {
		l.engine.Tick(now())
		l.prune()
		if _, again := l.pending[id]; again || l.letIn.has(id, time.Now()) {
			ok = true // it is sent again, and the stream knows whether it has it
			return nil
		}
		if l.engine.Refuses(size, len(l.pending), l.pendingBytes) {
			if l.queue.settings.Overflow == pubsub.RejectPublishDLX {
				l.giveUp(p(), classic.MaxLen, id+".refused", func() {})
			}
			return nil
		}
		ok = true
		l.letIn.add(id, time.Now())
		l.pending[id] = admitted{size, time.Now()}
		l.pendingBytes += size
		return nil
	})
	return ok, err
}

// admitted is a message that was let in and has not come yet.
type admitted struct {
	size int
	at   time.Time
}

func (l *leader) noLongerPending(id string) {
	if p, ok := l.pending[id]; ok {
		delete(l.pending, id)
		l.pendingBytes -= p.size
	}
}

// prune forgets what was let in long ago and did not come: the stream did not take it.
func (l *leader) prune() {
	if len(l.pending) == 0 || time.Since(l.pruned) < time.Second {
		return
	}
	l.pruned = time.Now()
	for id, p := range l.pending {
		if time.Since(p.at) > patience {
			l.noLongerPending(id)
		}
	}
}
