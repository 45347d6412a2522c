package queue

import "github.com/gobindery/bindery/pubsub"

// Expiry is when a message expires that arrived at a time: after the shorter of
// the queue's TTL and its own, or Never.
func (q *Queue) Expiry(m *pubsub.Message, arrived int64) int64 {
	ttl := q.settings.MessageTTL
	if m.Expiration != nil && (ttl == nil || *m.Expiration < *ttl) {
		ttl = m.Expiration
	}
	if ttl == nil {
		return Never
	}
	return arrived + int64(*ttl)
}

// Due is when Tick is to be called, which may have passed, or Never.
func (q *Queue) Due() int64 {
	due := q.unusedAt()
	if q.count > 0 {
		due = min(due, q.firstLevel().head().Expires)
	}
	return due
}

// Tick does what is due: it drops expired messages from the head. Unused
// reports that an x-expires queue is to be deleted.
func (q *Queue) Tick(now int64) (unused bool) {
	q.Dispatch(now)
	return q.unusedAt() <= now
}

// Touch notes a use: a declare or an inspect.
func (q *Queue) Touch(now int64) { q.lastUsed = now }

// unusedAt is when an x-expires queue has been unused for its time.
func (q *Queue) unusedAt() int64 {
	if q.settings.Expires == 0 || len(q.consumers) > 0 || q.lastUsed == Never {
		return Never
	}
	return q.lastUsed + int64(q.settings.Expires)
}

// dropExpired drops messages from the head while they have expired. Those behind
// a head that hasn't expired wait, as in RabbitMQ.
func (q *Queue) dropExpired(now int64) {
	for q.count > 0 && q.firstLevel().head().Expires <= now {
		q.done(q.pop(), Expired)
	}
}
