package emit

import "github.com/gobindery/bindery/pubsub"

const (
	// windowLines is how many lines may wait for their confirm at once.
	windowLines = 1024

	// windowBytes is how long these may be together, unless there is only one.
	windowBytes = 64 << 20

	// keepBytes is the longest space that is kept for another line.
	keepBytes = 16 << 10
)

// pending is a line that was sent and waits for its outcome.
type pending struct {
	line    int64 // counted from 1
	body    []byte
	outcome pubsub.Confirmation
}

// window is a queue of the lines that wait for their outcome, in their order. It keeps
// their bodies, in space that it uses again, so that they can be sent again.
type window struct {
	ring  [windowLines]pending
	first int
	n     int
	bytes int
	most  int // bytes: windowBytes, but in tests
}

// full reports whether a line of that many bytes must wait.
func (w *window) full(bytes int) bool {
	return w.n == windowLines || w.n > 0 && w.bytes+bytes > w.most
}

// at returns the line at place i, which is 0 for the first.
func (w *window) at(i int) *pending { return &w.ring[(w.first+i)%windowLines] }

// push adds a line, without its outcome, and returns it.
func (w *window) push(line int64, body []byte) *pending {
	p := w.at(w.n)
	p.line = line
	p.body = append(p.body[:0], body...)
	w.n++
	w.bytes += len(body)
	return p
}

// pop takes away the first line.
func (w *window) pop() {
	p := w.at(0)
	w.bytes -= len(p.body)
	if cap(p.body) > keepBytes {
		p.body = nil
	}
	p.outcome = pubsub.Confirmation{}
	w.first = (w.first + 1) % windowLines
	w.n--
}

// rotate makes the first line the last.
func (w *window) rotate() {
	first, last := w.at(0), w.at(w.n) // the same if the window is full
	*first, *last = *last, *first     // each slot keeps one space for a body
	w.first = (w.first + 1) % windowLines
}
