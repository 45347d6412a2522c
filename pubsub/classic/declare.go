package classic

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"

	"github.com/gobindery/bindery/pubsub"
)

// NewName is a name for a queue as RabbitMQ chooses it.
func NewName() string {
	var random [16]byte
	rand.Read(random[:]) // never fails
	return "amq.gen-" + base64.RawURLEncoding.EncodeToString(random[:])
}

// Durable reports whether a queue is durable: one that is exclusive never is,
// however it is declared.
func Durable(q pubsub.Queue) bool { return q.Durable && !q.Exclusive }

// Own copies what a declaration points to, so that its caller may change it.
func Own(q pubsub.Queue) pubsub.Queue {
	if q.MessageTTL != nil {
		q.MessageTTL = new(*q.MessageTTL)
	}
	if q.MaxLength != nil {
		q.MaxLength = new(*q.MaxLength)
	}
	if q.MaxBytes != nil {
		q.MaxBytes = new(*q.MaxBytes)
	}
	if q.DeadLetter != nil {
		d := *q.DeadLetter
		if d.RoutingKey != nil {
			d.RoutingKey = new(*d.RoutingKey)
		}
		q.DeadLetter = &d
	}
	q.Arguments = q.Arguments.Clone()
	return q
}

// Locked is the error for a queue that is exclusive to another connection, or is
// declared again as exclusive and was not, or the other way round. It wraps
// [pubsub.ErrResourceLocked].
func Locked(queue, vhostName string) error {
	return fmt.Errorf("%w: cannot obtain exclusive access to locked queue '%s' in vhost '%s'. It could be originally declared on another connection or the exclusive property value does not match that of the original declaration", pubsub.ErrResourceLocked, queue, vhostName)
}
