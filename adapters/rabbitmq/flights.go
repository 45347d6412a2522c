package rabbitmq

// flights is a queue of publishes, in the order in which they were sent. Those
// in the middle may have had their outcome.
type flights struct {
	first   uint64 // the number of the first in list, counted from the lane's beginning
	head    int    // list[:head] is free
	pending []flight
}

func (q *flights) len() int         { return len(q.pending) - q.head }
func (q *flights) at(i int) *flight { return &q.pending[q.head+i] }
func (q *flights) last() *flight    { return &q.pending[len(q.pending)-1] }

// start and end number what is in the queue: from start up to end.
func (q *flights) start() uint64 { return q.first }
func (q *flights) end() uint64   { return q.first + uint64(q.len()) }

func (q *flights) push(f flight) {
	if q.head > 0 && len(q.pending) == cap(q.pending) && q.head >= len(q.pending)/2 {
		n := copy(q.pending, q.pending[q.head:])
		clear(q.pending[n:])
		q.pending, q.head = q.pending[:n], 0
	}
	q.pending = append(q.pending, f)
}

// trim drops those in front that have their outcome.
func (q *flights) trim() {
	for q.head < len(q.pending) && q.pending[q.head].p == nil {
		q.pending[q.head] = flight{}
		q.head++
		q.first++
	}
	if q.head == len(q.pending) {
		q.pending, q.head = q.pending[:0], 0
	}
}

// pop drops the last.
func (q *flights) pop() {
	*q.last() = flight{}
	q.pending = q.pending[:len(q.pending)-1]
	q.trim()
}
