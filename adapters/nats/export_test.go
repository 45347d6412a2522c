package nats

import (
	"context"
	"time"
)

// Kill ends a connection as if its process had died: nothing is given back or
// handed over.
func Kill(c *Conn) {
	closing := c.closing.Swap(true)
	c.nc.Close()
	if closing { // it dies while it is closed
		<-c.done
		c.running.Wait()
		return
	}
	c.ended.Store(true)
	close(c.done)
	c.publisher.end(0)
	c.running.Wait()
}

// Sweep sweeps twice: who isn't there counts as dead then.
func Sweep(ctx context.Context, c *Conn) error {
	for range 2 {
		c.topology.mu.Lock()
		suspects := make(map[string]bool)
		for _, s := range c.topology.view.swept.Suspects {
			suspects[s] = true
		}
		c.topology.mu.Unlock()
		if err := c.sweepOnce(ctx, suspects); err != nil {
			return err
		}
	}
	return nil
}

// ForgetAfter sets how long records of what was deleted stay.
func ForgetAfter(c *Conn, d time.Duration) {
	c.topology.mu.Lock()
	defer c.topology.mu.Unlock()
	c.topology.forgetAfter = d
}

// Bucket is the name of the stream behind the topology's bucket.
func Bucket(c *Conn) string { return c.names.bucketStream() }

// Prefix is what the subjects of a connection's vhost begin with.
func Prefix(c *Conn) string { return c.names.prefix }

// StreamOf is the stream of a queue that is there.
func StreamOf(c *Conn, queue string) string {
	q, ok := c.topology.table.Load().Queue(queue)
	if !ok {
		return ""
	}
	return q.stream
}

// Leads reports whether a connection leads a queue.
func Leads(c *Conn, queue string) bool {
	q, ok := c.topology.table.Load().Queue(queue)
	if !ok {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.leaders[q.record.Incarnation] != nil
}

// BucketOf is the bucket of a vhost's topology.
func BucketOf(vhost string) string {
	n := namesOf(vhost)
	return n.bucket
}

// HasLost reports whether a connection knows that it has lost deliveries of a queue.
func HasLost(c *Conn, queue string) bool {
	q, ok := c.topology.table.Load().Queue(queue)
	if !ok {
		return false
	}
	for _, s := range c.subscriptions(q.record.Incarnation) {
		s.mu.Lock()
		lost := s.lostTo > 0 || len(s.lost) > 0
		s.mu.Unlock()
		if lost {
			return true
		}
	}
	return false
}
