package memory

import (
	"sync"
	"sync/atomic"

	"github.com/gobindery/bindery/pubsub/classic"
)

// deadLetters are those of a vhost that are not sent yet. They are gathered in
// the order in which they died, under their queue's lock, and sent by one
// goroutine at a time when it holds none: so each queue's arrive in order, and
// queues may dead-letter to one another.
type deadLetters struct {
	sending sync.Mutex // held while they are sent; before queue.mu

	mu      sync.Mutex // after queue.mu
	waiting []deadLetter
	n       atomic.Int64 // of waiting and those being sent
}

type deadLetter struct {
	entry
	queue  *queue
	reason classic.Reason
}

// giveUp is for a message that a queue gives up: it is dead-lettered if the
// queue does that. The caller holds the queue's lock, and calls sendDead when
// it has let it go.
func (q *queue) giveUp(e entry, reason classic.Reason) {
	if q.settings.DeadLetter == nil {
		return
	}
	d := &q.vhost.dead
	d.n.Add(1)
	d.mu.Lock()
	d.waiting = append(d.waiting, deadLetter{e, q, reason})
	d.mu.Unlock()
}

// sendDead publishes dead letters, and what other queues give up for them, and
// so on: cycles end because a message does not go round without a reject. When
// it returns, those of its caller are in their queues.
func (v *vhost) sendDead() {
	d := &v.dead
	if d.n.Load() == 0 {
		return
	}
	d.sending.Lock()
	defer d.sending.Unlock()
	for {
		d.mu.Lock()
		letters := d.waiting
		d.waiting = nil
		d.mu.Unlock()
		if len(letters) == 0 {
			return
		}
		for i := range letters {
			v.sendOne(&letters[i])
		}
		d.n.Add(-int64(len(letters)))
	}
}

func (v *vhost) sendOne(d *deadLetter) {
	from := d.queue
	pub := classic.DeadLetter(d.pub, from.name, from.settings.DeadLetter, d.reason, from.vhost.server.clock.Now())
	r := request(pub)
	r.Dead = true
	queues, err := v.table.Load().Route(&r, nil)
	if err != nil {
		return // no such exchange: the message is gone, as in RabbitMQ
	}
	for _, q := range queues {
		if d.reason == classic.Rejected || !classic.WentRound(pub.Headers, q.name) {
			q.enqueue(pub)
		}
	}
}
