package queue

// ring is a first-in first-out queue that also gives access by index. Its
// space doubles as needed and is let go when a large one is empty.
type ring[T any] struct {
	space []T // its length is a power of two, or zero
	first int // where the first one stands in space
	n     int
}

// keepSpace is how many entries of space an empty ring keeps. One that let go
// of less would grow again with each burst, and copy as it does.
const keepSpace = 4096

func (r *ring[T]) at(i int) *T { return &r.space[(r.first+i)&(len(r.space)-1)] }

func (r *ring[T]) push(e T) {
	if r.n == len(r.space) {
		r.grow()
	}
	r.space[(r.first+r.n)&(len(r.space)-1)] = e
	r.n++
}

func (r *ring[T]) pop() T {
	var zero T
	p := &r.space[r.first]
	e := *p
	*p = zero // lets the message go
	r.first = (r.first + 1) & (len(r.space) - 1)
	if r.n--; r.n == 0 && len(r.space) > keepSpace {
		*r = ring[T]{}
	}
	return e
}

func (r *ring[T]) grow() {
	bigger := make([]T, max(8, 2*len(r.space)))
	k := copy(bigger, r.space[r.first:])
	copy(bigger[k:], r.space[:r.first])
	r.space, r.first = bigger, 0
}

// truncate keeps the first n.
func (r *ring[T]) truncate(n int) {
	var zero T
	for r.n > n {
		r.n--
		*r.at(r.n) = zero
	}
}

// filter keeps those that keep reports true for, in their order.
func (r *ring[T]) filter(keep func(*T) bool) {
	n := 0
	for i := range r.n {
		if e := r.at(i); keep(e) {
			*r.at(n) = *e
			n++
		}
	}
	r.truncate(n)
}
