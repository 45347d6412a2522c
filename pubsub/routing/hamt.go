package routing

import "iter"

// hamt is a persistent hash table of *T. Its methods that change it return a
// changed copy that shares nearly everything; the zero value is empty. The
// caller brings hashes and comparisons, so that a *T holds its own key.
//
// The hash counts in full, so that it may be the whole key of a value where no
// two keys have the same.
//
// Up to slotsMax values are a plain slice, copied at each change. Beyond that
// a table splits in sixteen by the next four bits of the hash.
type hamt[T any] struct {
	kids  *[fanOut]hamt[T] // nil: everything is in slots
	slots []slot[T]
}

type slot[T any] struct {
	hash uint64
	val  *T
}

const (
	hashBits = 4
	fanOut   = 1 << hashBits
	slotsMax = 16 // a slice is split beyond
	slotsMin = 8  // and sixteen slices are merged at
)

// bucket returns the slots among which any value with this hash is. Others
// are there too: compare the hash, then the key. It is the way of reading that
// needs no function call per value.
func (h *hamt[T]) bucket(hash uint64) []slot[T] {
	for b := hash; h.kids != nil; b >>= hashBits {
		h = &h.kids[b%fanOut]
	}
	return h.slots
}

// get returns the value with this hash for which is reports true, or nil.
func (h *hamt[T]) get(hash uint64, is func(*T) bool) *T {
	for _, s := range h.bucket(hash) {
		if s.hash == hash && is(s.val) {
			return s.val
		}
	}
	return nil
}

// put returns h with v, in the place of the value for which is reports true,
// if there is one.
func (h hamt[T]) put(hash uint64, v *T, is func(*T) bool) hamt[T] {
	return h.putAt(hash, v, is, 0)
}

func (h hamt[T]) putAt(hash uint64, v *T, is func(*T) bool, depth uint) hamt[T] {
	if h.kids != nil {
		kids := *h.kids
		k := &kids[hash>>(depth*hashBits)%fanOut]
		*k = k.putAt(hash, v, is, depth+1)
		return hamt[T]{kids: &kids}
	}
	for i, s := range h.slots {
		if s.hash == hash && is(s.val) {
			slots := make([]slot[T], len(h.slots))
			copy(slots, h.slots)
			slots[i].val = v
			return hamt[T]{slots: slots}
		}
	}
	slots := make([]slot[T], len(h.slots)+1)
	copy(slots, h.slots)
	slots[len(h.slots)] = slot[T]{hash, v}
	// Where all bits are used up, values with the same hash stay together.
	if len(slots) <= slotsMax || depth*hashBits >= 64 {
		return hamt[T]{slots: slots}
	}
	return split(slots, depth)
}

func split[T any](slots []slot[T], depth uint) hamt[T] {
	var n [fanOut]int
	for _, s := range slots {
		n[s.hash>>(depth*hashBits)%fanOut]++
	}
	var kids [fanOut]hamt[T]
	for _, s := range slots {
		i := s.hash >> (depth * hashBits) % fanOut
		if kids[i].slots == nil {
			kids[i].slots = make([]slot[T], 0, n[i])
		}
		kids[i].slots = append(kids[i].slots, s)
	}
	return hamt[T]{kids: &kids}
}

// remove returns h without the value for which is reports true, and that
// value, or nil if there is none.
func (h hamt[T]) remove(hash uint64, is func(*T) bool) (hamt[T], *T) {
	return h.removeAt(hash, is, 0)
}

func (h hamt[T]) removeAt(hash uint64, is func(*T) bool, depth uint) (hamt[T], *T) {
	if h.kids != nil {
		i := hash >> (depth * hashBits) % fanOut
		k, v := h.kids[i].removeAt(hash, is, depth+1)
		if v == nil {
			return h, nil
		}
		kids := *h.kids
		kids[i] = k
		return merged(&kids), v
	}
	for i, s := range h.slots {
		if s.hash == hash && is(s.val) {
			if len(h.slots) == 1 {
				return hamt[T]{}, s.val
			}
			slots := make([]slot[T], 0, len(h.slots)-1)
			slots = append(slots, h.slots[:i]...)
			slots = append(slots, h.slots[i+1:]...)
			return hamt[T]{slots: slots}, s.val
		}
	}
	return h, nil
}

// merged is the table with these kids, as one slice if few values are left. So
// an empty table is always the zero value.
func merged[T any](kids *[fanOut]hamt[T]) hamt[T] {
	n := 0
	for i := range kids {
		if n += len(kids[i].slots); kids[i].kids != nil || n > slotsMin {
			return hamt[T]{kids: kids}
		}
	}
	slots := make([]slot[T], 0, n)
	for i := range kids {
		slots = append(slots, kids[i].slots...)
	}
	return hamt[T]{slots: slots}
}

func (h *hamt[T]) empty() bool { return h.kids == nil && len(h.slots) == 0 }

// all visits every value, in no particular order.
func (h hamt[T]) all() iter.Seq[*T] {
	return func(yield func(*T) bool) { h.each(yield) }
}

func (h *hamt[T]) each(yield func(*T) bool) bool {
	if h.kids != nil {
		for i := range h.kids {
			if !h.kids[i].each(yield) {
				return false
			}
		}
		return true
	}
	for _, s := range h.slots {
		if !yield(s.val) {
			return false
		}
	}
	return true
}
