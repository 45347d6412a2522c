package memory

// ring is a first-in first-out queue of entries that also gives access by
// index. Its space doubles as needed and is let go when a large one is empty.
type ring struct {
	space []entry // its length is a power of two, or zero
	head  int
	n     int
}

// keepSpace is how many entries of space an empty ring keeps: 384 KiB. One that
// let go of less would grow again with each burst, and copy as it does.
const keepSpace = 16 << 10

func (r *ring) at(i int) *entry { return &r.space[(r.head+i)&(len(r.space)-1)] }

func (r *ring) push(e entry) {
	if r.n == len(r.space) {
		r.grow()
	}
	r.space[(r.head+r.n)&(len(r.space)-1)] = e
	r.n++
}

func (r *ring) pop() entry {
	p := &r.space[r.head]
	e := *p
	*p = entry{} // lets the message go
	r.head = (r.head + 1) & (len(r.space) - 1)
	if r.n--; r.n == 0 && len(r.space) > keepSpace {
		*r = ring{}
	}
	return e
}

func (r *ring) grow() {
	bigger := make([]entry, max(8, 2*len(r.space)))
	k := copy(bigger, r.space[r.head:])
	copy(bigger[k:], r.space[:r.head])
	r.space, r.head = bigger, 0
}

// truncate keeps the first n entries.
func (r *ring) truncate(n int) {
	for r.n > n {
		r.n--
		*r.at(r.n) = entry{}
	}
}
