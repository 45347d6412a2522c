package queue

// Reason is why the queue is done with a message.
type Reason uint8

const (
	// Acked: a consumer or holder acknowledged it, or had it with AutoAck.
	Acked Reason = iota + 1

	// Rejected: it was rejected and not requeued.
	Rejected

	// Expired: its time came while it was at the head.
	Expired

	// Overflowed: it was dropped from the head of a full queue; RabbitMQ's
	// "maxlen".
	Overflowed

	// Purged: it was ready when the queue was purged.
	Purged
)

// String returns the reason's name; of those for which RabbitMQ dead-letters,
// the one that the header "x-death" gives.
func (r Reason) String() string {
	switch r {
	case Acked:
		return "acked"
	case Rejected:
		return "rejected"
	case Expired:
		return "expired"
	case Overflowed:
		return "maxlen"
	case Purged:
		return "purged"
	}
	return "invalid reason"
}

// Delivery is a message that a consumer gets.
type Delivery struct {
	To  *Consumer
	Tag uint64 // names it to Settle: consecutive for each consumer, from 1
	Entry
}

// Gone is a message that the queue is done with: its owner dead-letters it if
// the reason asks for that, and then takes it out of the store.
type Gone struct {
	Entry
	Reason Reason
}

// Effects is what happened in a queue, each in the order in which it happened.
// A message of an AutoAck consumer is in both.
type Effects struct {
	Deliveries []Delivery
	Gone       []Gone
}

// Effects returns what happened since the last call. The slices are valid until
// the next call.
func (q *Queue) Effects() Effects {
	return Effects{q.deliveries.take(), q.gone.take()}
}

// effects gathers what happens, in space that is used again.
type effects[T any] struct {
	items []T
	taken []T // what the last take returned
}

// keepEffects is how many items of space stay.
const keepEffects = 1024

func (l *effects[T]) add(item T) { l.items = append(l.items, item) }

// take returns what was gathered since the last call.
func (l *effects[T]) take() []T {
	items := l.items
	clear(l.taken) // lets the messages go
	l.items, l.taken = l.taken[:0], items
	if cap(items) > keepEffects {
		l.taken = nil
	}
	return items
}
