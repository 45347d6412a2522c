package queue

import (
	"math"

	"github.com/gobindery/bindery/pubsub"
)

// Never is a time that does not come.
const Never = math.MaxInt64

// Entry is a message in a queue.
type Entry struct {
	// Seq is the place in the queue: it ascends as messages come, and requeued
	// ones go back to it. Two messages of a queue never have the same.
	Seq uint64

	// Message is never nil, and never changes.
	Message *pubsub.Publication

	// Expires is when the message expires, in unix nanoseconds, or Never.
	Expires int64

	// Redelivered says that the message was handed out before.
	Redelivered bool
}

func (e *Entry) size() int { return len(e.Message.Body) }
