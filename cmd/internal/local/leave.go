package local

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/gobindery/bindery/adapters/amqpserver"
)

// leave ends the host in good order: what is confirmed reaches the receivers
// that are there, and what isn't goes to the next host. It returns how many
// messages are lost with it.
func (h *host) leave() (lost int, err error) {
	close(h.stop)
	h.mu.Lock()
	h.frozen = true
	h.mu.Unlock()
	// In this order: awaitReceivers may open the gate until frozen is set, and
	// nobody after that.
	h.gate.set(true, false)
	lost = h.drain()
	h.gate.set(true, true)
	bye, stop := context.WithTimeout(context.Background(), byeLimit)
	defer stop()
	_ = h.server.Shutdown(bye) // at its end it closes those that are left
	h.running.Wait()
	if !errors.Is(h.served, amqpserver.ErrServerClosed) {
		err = h.served
	}
	// The next host can't be there before the lock is free.
	return lost, errors.Join(err, os.Remove(socketPath(h.folder)), h.lock.Close())
}

// drain waits until receivers have taken and settled all that they can get,
// or take nothing for drainLimit. It returns how many messages are there still.
func (h *host) drain() int {
	tick := time.NewTicker(poll)
	defer tick.Stop()
	least, _ := h.messages()
	since := time.Now()
	for now := since; ; now = <-tick.C {
		taken, all := h.messages()
		if taken < least {
			least, since = taken, now
		}
		if taken == 0 || now.Sub(since) > drainLimit {
			return all
		}
	}
}

// messages counts those in queues that somebody consumes, and all.
func (h *host) messages() (consumed, all int) {
	c := h.memory.Connect(nil)
	defer c.Close()
	t, err := c.Topology(context.Background())
	if err != nil {
		return 0, 0 // it is not closed, and so there is none
	}
	for _, q := range t.Queues {
		all += q.Ready + q.Unacked
		if q.Consumers > 0 {
			consumed += q.Ready + q.Unacked
		}
	}
	return consumed, all
}
