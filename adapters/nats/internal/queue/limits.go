package queue

import "github.com/gobindery/bindery/pubsub"

// Refuses reports whether a queue that refuses messages rather than drop others
// refuses one more, with a body of so many bytes. Pending are the messages, and
// their bytes, that were accepted and have not come to Add yet: they
// are counted as if they had come, so that those go first that
// consumers have credit for. How many bytes these have is
// reckoned by the mean, which is exact where all are of one size. The owner calls
// Tick first if [Queue.Due] has come.
func (q *Queue) Refuses(size, pending, pendingBytes int) bool {
	if q.dropsHead() {
		return false
	}
	if taken := min(pending, q.Credit()); taken > 0 {
		pendingBytes -= int(float64(pendingBytes) / float64(pending) * float64(taken))
		pending -= taken
	}
	return q.over(q.count+pending+1, q.bytes+pendingBytes+size)
}

// dropsHead reports whether the queue makes room by dropping its head.
func (q *Queue) dropsHead() bool {
	return q.settings.Overflow == "" || q.settings.Overflow == pubsub.DropHead
}

// over reports whether so many messages and bytes are too much.
func (q *Queue) over(count, bytes int) bool {
	s := &q.settings
	return s.MaxLength != nil && count > *s.MaxLength || s.MaxBytes != nil && bytes > *s.MaxBytes
}

// dropOverflow drops messages from the head while there are too many. A queue
// that refuses instead may have too many after a requeue, and keeps them.
func (q *Queue) dropOverflow() {
	if !q.dropsHead() {
		return
	}
	for q.count > 0 && q.over(q.count, q.bytes) {
		q.done(q.pop(), Overflowed)
	}
}
