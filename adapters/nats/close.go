package nats

import (
	"context"
	"sync"
	"time"
)

// closeWait is how long Close waits for answers to what was published.
const closeWait = 5 * time.Second

// Close returns what is unsettled to its queues, deletes the connection's exclusive
// queues, and hands the queues that it leads over to others. A second call does
// nothing.
func (c *Conn) Close() error {
	if c.closing.Swap(true) {
		<-c.done
		return nil
	}
	wait, all := closeWait, patience
	if !c.nc.IsConnected() {
		wait, all = 0, time.Second // nobody hears it: others find out
	}
	ctx, cancel := context.WithTimeout(context.Background(), all)
	defer cancel()
	if c.ingress != nil {
		c.ingress.stop()
	}
	c.publisher.end(wait)
	if c.ingress != nil {
		<-c.ingress.done
	}
	c.deleteOwned(ctx)
	c.leaveAll(ctx)
	c.handOverAll(ctx)
	if f := c.tempFeed(); f != nil {
		f.stop()
		if err := c.deleteStream(ctx, f.stream); err != nil {
			c.warn("the stream of exclusive queues stays for now", err)
		}
	}
	c.nc.FlushWithContext(ctx)
	c.control.stop()
	c.ended.Store(true)
	close(c.done)
	c.running.Wait()
	c.nc.Close()
	return nil
}

// deleteOwned deletes the connection's exclusive queues, before what it has goes
// back: that must not be dead-lettered.
func (c *Conn) deleteOwned(ctx context.Context) {
	c.mu.Lock()
	var owned []*leader
	for _, l := range c.owned {
		owned = append(owned, l)
	}
	c.mu.Unlock()
	for _, l := range owned {
		if err := c.deleteRecord(ctx, l.queue, nil); err != nil {
			c.warn("an exclusive queue stays for now", err, "queue", l.queue.name())
		}
	}
}

// leaveAll gives back what all subscriptions have. All of one queue leave together.
func (c *Conn) leaveAll(ctx context.Context) {
	c.mu.Lock()
	var subs []*subscription
	for _, s := range c.subs {
		subs = append(subs, s)
	}
	c.mu.Unlock()
	local := make(map[*leader][]member)
	var leaving sync.WaitGroup
	for _, s := range subs {
		l, remote := s.shut()
		switch {
		case l != nil:
			local[l] = append(local[l], s.member())
		case remote != "":
			leaving.Go(func() { c.control.leave(ctx, remote, s.queue, s.id) })
		}
	}
	for l, members := range local {
		if last, _ := l.leave(members...); last {
			l.deleteQueue(ctx, deleteAuto)
		}
	}
	leaving.Wait()
	c.mu.Lock()
	clear(c.subs)
	clear(c.getters)
	c.mu.Unlock()
}

// handOverAll ends all leaderships.
func (c *Conn) handOverAll(ctx context.Context) {
	c.mu.Lock()
	var leaders []*leader
	for _, l := range c.leaders {
		leaders = append(leaders, l)
	}
	c.mu.Unlock()
	var leaving sync.WaitGroup
	for _, l := range leaders {
		leaving.Go(func() {
			if err := l.handOver(ctx); err != nil {
				c.warn("a queue's next leader must find out that this one is gone", err, "queue", l.queue.name())
			}
		})
	}
	leaving.Wait()
}
