package queue

import (
	"cmp"
	"slices"
)

// line is who is served next: by priority, the highest first, then in turn. A
// consumer that has no credit when it is its turn leaves the line until it has some.
type line []turn

// turn is the consumers of one priority.
type turn struct {
	priority  int32
	consumers ring[*Consumer]
}

// next returns the first consumer that has credit, and puts it behind those of the
// same priority: that is round robin. It returns nil if there is none.
func (l line) next() *Consumer {
	for i := range l {
		waiting := &l[i].consumers
		for waiting.n > 0 {
			c := waiting.pop()
			if c.hasCredit() {
				waiting.push(c)
				return c
			}
			c.inLine = false
		}
	}
	return nil
}

// add puts a consumer at the end of its priority, unless it is in the line or
// has no credit.
func (l *line) add(c *Consumer) {
	if c.inLine || !c.hasCredit() {
		return
	}
	i, ok := l.find(c.priority)
	if !ok {
		*l = slices.Insert(*l, i, turn{priority: c.priority})
	}
	(*l)[i].consumers.push(c)
	c.inLine = true
}

// remove takes a consumer out that won't come back, and its priority if it was the last of it.
func (l *line) remove(c *Consumer) {
	i, ok := l.find(c.priority)
	if !ok {
		return
	}
	waiting := &(*l)[i].consumers
	waiting.filter(func(other **Consumer) bool { return *other != c })
	if waiting.n == 0 {
		*l = slices.Delete(*l, i, i+1)
	}
}

// find returns where a priority stands in the line.
func (l line) find(priority int32) (int, bool) {
	return slices.BinarySearchFunc(l, priority, func(t turn, p int32) int { return cmp.Compare(p, t.priority) })
}
