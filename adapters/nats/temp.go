package nats

import (
	"context"

	"github.com/nats-io/nats.go/jetstream"
)

// The exclusive queues of a connection have one stream together, in the memory of
// one server: a message for many of them is stored once, with the queues' numbers in a
// header, and shared out here. It is done with when each queue is.

// toHeader has the numbers of the exclusive queues that a message is for.
const toHeader = "Bindery-To"

// openTemp makes the stream for exclusive queues, unless there is one. It is called
// with topology.mu held, so by one goroutine at a time.
func (c *Conn) openTemp(ctx context.Context) error {
	if c.tempFeed() != nil {
		return nil
	}
	f := newFeed(c, c.names.tempStream(c.id), c.takeTemp, c.tempRoom, c.tempLost)
	if err := c.claimTemp(ctx, f); err != nil {
		return err
	}
	c.mu.Lock()
	c.temp = f
	c.mu.Unlock()
	return f.start()
}

func (c *Conn) claimTemp(ctx context.Context, f *feed) error {
	err := c.createStream(ctx, jetstream.StreamConfig{
		Name: f.stream, Subjects: []string{c.names.tempSubject(c.id)}, Storage: jetstream.MemoryStorage, Replicas: 1,
		Description: "exclusive queues of the connection " + c.id + " to the vhost " + c.names.vhost,
		Metadata:    map[string]string{"bindery-connection": c.id, "bindery-vhost": c.names.vhost},
	})
	if err != nil {
		return err
	}
	return f.claim(ctx)
}

// tempMost is how many bytes of messages for exclusive queues are in this process's
// memory; further ones stay in the stream. A queue whose consumer stands still can so hold
// up the connection's other exclusive queues, but not fill the memory.
const tempMost = 256 << 20

// tempRoom is how many more messages for exclusive queues may come.
func (c *Conn) tempRoom() int {
	if f := c.tempFeed(); f != nil && f.held() >= tempMost {
		return 0
	}
	return pullMost
}

// tempFeed returns the feed of the exclusive queues, or nil.
func (c *Conn) tempFeed() *feed {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.temp
}

// tempLost makes the stream again, which a server has lost that was started anew.
func (c *Conn) tempLost() {
	c.spawn(func(ctx context.Context) {
		f := c.tempFeed()
		if err := c.claimTemp(ctx, f); err != nil {
			if !c.ended.Load() {
				c.warn("exclusive queues get no messages; it is tried again", err)
			}
			return
		}
		f.mu.Lock()
		f.seen, f.seenAt, f.taken = 0, 0, 0 // it counts from 1 again
		clear(f.replies)
		f.bytes = 0
		f.flushed += len(f.acked)
		f.acked, f.unsent = nil, nil
		f.mu.Unlock()
		f.want()
	})
}

// takeTemp shares a message out.
func (c *Conn) takeTemp(m stored) {
	if m.twice {
		c.tempFeed().finish(m.seq)
		return
	}
	numbers := parseRanges(m.msg.Header.Get(toHeader))
	p, err := decode(m.msg)
	if err != nil {
		c.warn("a message for exclusive queues can't be read; it is dropped", err)
		c.tempFeed().hold(m.seq, 0)
		return
	}
	var space [64]*leader
	leaders := space[:0]
	c.mu.Lock()
	f := c.temp
	for n := range numbers {
		if l := c.owned[int(n)]; l != nil {
			leaders = append(leaders, l)
		}
	}
	c.mu.Unlock()
	f.hold(m.seq, len(leaders))
	id := m.msg.Header.Get(idHeader)
	for _, l := range leaders {
		l.arrive(arrival{m.seq, m.at, m.again, false, id, p})
	}
}
