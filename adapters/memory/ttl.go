package memory

import (
	"time"

	"github.com/gobindery/bindery/pubsub"
	"github.com/gobindery/bindery/pubsub/classic"
)

// expiry is when a message that comes now expires: after the shorter of the
// queue's and its own time.
func (q *queue) expiry(m *pubsub.Message) int64 {
	ttl := q.settings.MessageTTL
	if m.Expiration != nil && (ttl == nil || *m.Expiration < *ttl) {
		ttl = m.Expiration
	}
	if ttl == nil {
		return never
	}
	return q.vhost.server.now() + int64(*ttl)
}

// dropExpired drops messages from the head while they have expired, and sets the
// timer for the next one. Those behind a head that hasn't expired wait, as in
// RabbitMQ.
func (q *queue) dropExpired() {
	var now int64
	for q.count > 0 {
		head := q.firstLevel().head()
		if head.expires == never {
			break
		}
		if now == 0 {
			now = q.vhost.server.now()
		}
		if head.expires > now {
			q.watchHead(head.expires, now)
			return
		}
		q.giveUp(q.pop(), classic.Expired)
	}
	q.stopHeadTimer()
}

// watchHead makes dropExpired run at the time due, if it won't earlier: then it
// looks again.
func (q *queue) watchHead(due, now int64) {
	if q.headDue <= due && q.headDue > now {
		return
	}
	q.headDue = due
	wait := time.Duration(due - now)
	if q.headTimer == nil {
		q.headTimer = q.vhost.server.clock.afterFunc(wait, q.headExpired)
		return
	}
	q.headTimer.Reset(wait)
}

func (q *queue) stopHeadTimer() {
	if q.headDue != never {
		q.headTimer.Stop()
		q.headDue = never
	}
}

// headExpired is what the head's timer runs.
func (q *queue) headExpired() {
	q.mu.Lock()
	if !q.deleted {
		q.headDue = never
		q.dropExpired()
	}
	q.mu.Unlock()
	q.vhost.sendDead()
}

// touch notes a use of an x-expires queue. The caller holds the lock, or is the
// only one who knows the queue.
func (q *queue) touch() {
	if q.settings.Expires == 0 || q.deleted {
		return
	}
	q.lastUsed = q.vhost.server.now()
	if q.idleTimer == nil {
		q.idleTimer = q.vhost.server.clock.afterFunc(q.settings.Expires, q.deleteUnused)
	}
}

// deleteUnused is what the timer of an x-expires queue runs: it deletes the
// queue, or waits for the rest of the time since its last use.
func (q *queue) deleteUnused() {
	v := q.vhost
	v.mu.Lock()
	defer v.mu.Unlock()
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.deleted {
		return
	}
	rest := q.settings.Expires - time.Duration(v.server.now()-q.lastUsed)
	if len(q.consumers) > 0 {
		rest = q.settings.Expires // when the last one leaves, that is a use
	}
	if rest > 0 {
		q.idleTimer.Reset(rest)
		return
	}
	v.deleteLocked(q)
}
