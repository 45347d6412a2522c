package queue

// ready holds messages of one priority that wait for a consumer, in order of
// Seq. New ones come at the end; those that go back to their places are in a
// heap, which is empty most of the time.
type ready struct {
	fresh    ring[Entry]
	requeued []Entry // a heap, the lowest Seq first
}

func (r *ready) len() int { return r.fresh.n + len(r.requeued) }

// head returns the first entry, of a ready that has one.
func (r *ready) head() *Entry {
	if r.headIsRequeued() {
		return &r.requeued[0]
	}
	return r.fresh.at(0)
}

func (r *ready) pop() Entry {
	if r.headIsRequeued() {
		return r.popRequeued()
	}
	return r.fresh.pop()
}

func (r *ready) headIsRequeued() bool {
	return len(r.requeued) > 0 && (r.fresh.n == 0 || r.requeued[0].Seq < r.fresh.at(0).Seq)
}

// add puts a new entry in.
func (r *ready) add(e Entry) {
	if r.fresh.n > 0 && e.Seq < r.fresh.at(r.fresh.n-1).Seq {
		r.putBack(e) // it comes late
		return
	}
	r.fresh.push(e)
}

// putBack puts an entry to its place. It is container/heap's Push without the
// allocation for an any.
func (r *ready) putBack(e Entry) {
	r.requeued = append(r.requeued, e)
	h := r.requeued
	for i := len(h) - 1; i > 0; {
		parent := (i - 1) / 2
		if h[parent].Seq < h[i].Seq {
			break
		}
		h[parent], h[i] = h[i], h[parent]
		i = parent
	}
}

func (r *ready) popRequeued() Entry {
	h := r.requeued
	first, last := h[0], len(h)-1
	h[0], h[last] = h[last], Entry{} // lets the message go
	h = h[:last]
	for i := 0; ; {
		child := 2*i + 1
		if child >= len(h) {
			break
		}
		if child+1 < len(h) && h[child+1].Seq < h[child].Seq {
			child++
		}
		if h[i].Seq < h[child].Seq {
			break
		}
		h[i], h[child] = h[child], h[i]
		i = child
	}
	r.requeued = h
	if len(h) == 0 && cap(h) > keepSpace {
		r.requeued = nil
	}
	return first
}

// Redelivered returns the places of the ready messages that were handed out before, in no
// particular order.
func (q *Queue) Redelivered() (seqs []uint64) {
	for i := range q.levels {
		seqs = q.levels[i].redelivered(seqs)
	}
	return seqs
}

func (r *ready) redelivered(seqs []uint64) []uint64 {
	for i := range r.requeued {
		if e := &r.requeued[i]; e.Redelivered {
			seqs = append(seqs, e.Seq)
		}
	}
	for i := range r.fresh.n {
		if e := r.fresh.at(i); e.Redelivered {
			seqs = append(seqs, e.Seq)
		}
	}
	return seqs
}
