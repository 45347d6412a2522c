package queue

import (
	"sort"

	"github.com/gobindery/bindery/pubsub"
)

// held is what a consumer has not settled, in order of tags. Settled ones in
// the middle stay as marks until those before or after them are settled, or
// until most are marks. So a tag is nearly always an index, and a delivery that
// is never settled costs no space for those after it.
type held struct {
	entries ring[heldEntry] // the first and the last are not settled
	count   int             // of those that are not settled
}

type heldEntry struct {
	tag   uint64
	Entry // its Message is nil once it is settled
}

// fewMarks is how many entries, marks among them, are not worth tidying.
const fewMarks = 32

// first returns the lowest tag that is not settled, of a held that has one.
func (h *held) first() uint64 { return h.entries.at(0).tag }

// last returns the highest one.
func (h *held) last() uint64 { return h.entries.at(h.entries.n - 1).tag }

// add puts an entry in, under a tag that is not in it.
func (h *held) add(tag uint64, e Entry) {
	h.entries.push(heldEntry{tag, e})
	h.count++
	for i := h.entries.n - 1; i > 0 && h.entries.at(i-1).tag > tag; i-- {
		later, earlier := h.entries.at(i), h.entries.at(i-1)
		*later, *earlier = *earlier, *later
	}
}

// take takes the entry of a tag out, if it is there and not settled.
func (h *held) take(tag uint64) (e Entry, ok bool) {
	p := h.find(tag)
	if p == nil || p.Message == nil {
		return Entry{}, false
	}
	e, p.Entry = p.Entry, Entry{}
	h.count--
	for h.entries.n > 0 && h.entries.at(0).Message == nil {
		h.entries.pop()
	}
	for h.entries.n > 0 && h.entries.at(h.entries.n-1).Message == nil {
		h.entries.truncate(h.entries.n - 1)
	}
	if n := h.entries.n; n > fewMarks && n > 2*h.count {
		h.entries.filter(func(e *heldEntry) bool { return e.Message != nil })
	}
	return e, true
}

// find returns the entry of a tag, or nil.
func (h *held) find(tag uint64) *heldEntry {
	n := h.entries.n
	if n == 0 || tag < h.first() || tag > h.last() {
		return nil
	}
	i := n
	if ahead := tag - h.first(); ahead < uint64(n) {
		i = int(ahead)
	}
	if i == n || h.entries.at(i).tag != tag { // there are gaps
		i = sort.Search(n, func(i int) bool { return h.entries.at(i).tag >= tag })
	}
	if p := h.entries.at(i); p.tag == tag {
		return p
	}
	return nil
}

// Held appends the places of what the consumer has not settled.
func (c *Consumer) Held(seqs []uint64) []uint64 {
	for i := range c.held.entries.n {
		if e := c.held.entries.at(i); e.Message != nil {
			seqs = append(seqs, e.Seq)
		}
	}
	return seqs
}

// Idle reports whether the consumer gets nothing and holds nothing: a holder, or one
// that has left, without unsettled deliveries.
func (c *Consumer) Idle() bool { return c.prefetch == 0 && c.held.count == 0 }

// Keep requeues what the consumer has not settled, but for some tags. The caller calls
// Dispatch.
func (c *Consumer) Keep(tags map[uint64]bool) {
	var others []uint64
	for i := range c.held.entries.n {
		if e := c.held.entries.at(i); e.Message != nil && !tags[e.tag] {
			others = append(others, e.tag)
		}
	}
	for _, tag := range others {
		c.settle(tag, pubsub.Requeue)
	}
	c.queue.line.add(c)
}
