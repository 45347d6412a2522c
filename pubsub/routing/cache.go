package routing

import (
	"math/rand/v2"
	"strings"
	"sync/atomic"
)

// cache remembers where keys lead, for one state of a topic exchange: a state
// never changes, so what is remembered stays right, and goes with the state.
//
// It is a hash table with four places a bucket, and no locks: each place is
// written in one step, and a writer may lose to another. A key is remembered
// only when it comes for the second time, as far as the bucket knows; so keys
// that never come again cost no memory, and push nothing out.
type cache[Q comparable] struct {
	buckets []bucket[Q]  // a power of two
	crowd   atomic.Int64 // counts what says that there are too few buckets
	weight  atomic.Int64 // queues in lists that the cache alone holds
}

// bucket is as large as a cache line.
type bucket[Q comparable] struct {
	tags    [places]atomic.Uint32 // of entries; 0: none
	seen    [2]atomic.Uint64      // each the last four keys that came once: 16 bits of their hashes
	entries [places]atomic.Pointer[entry[Q]]
}

type entry[Q comparable] struct {
	key    string
	ends   bool // queues is the whole route
	queues []Q
	dests  *dests[Q]
	weight int64
}

const (
	places       = 4
	firstBuckets = 64
	mostBuckets  = 4096
	warmUp       = 64      // routes before a state gets a cache
	mostWeight   = 1 << 17 // 2 MB of handles and ids
	heaviest     = 1 << 10 // longer lists are made anew each time
)

// The bits of a key's hash: the bucket is the lowest, the tag the highest.
func tagOf(hash uint64) uint32  { return uint32(hash>>32) | 1 }
func seenOf(hash uint64) uint64 { return hash>>16&(1<<16-1) | 1 } // 0: none

func (c *cache[Q]) bucket(hash uint64) *bucket[Q] {
	return &c.buckets[hash&uint64(len(c.buckets)-1)]
}

// get returns what is remembered of the key, or nil.
func (c *cache[Q]) get(key string, hash uint64) *entry[Q] {
	b, tag := c.bucket(hash), tagOf(hash)
	for i := range b.tags {
		if b.tags[i].Load() == tag {
			if e := b.entries[i].Load(); e != nil && e.key == key {
				return e
			}
		}
	}
	return nil
}

// again reports whether the key came before, lately; it has come now.
func (c *cache[Q]) again(hash uint64) bool {
	seen := &c.bucket(hash).seen[hash>>12%2]
	four, this := seen.Load(), seenOf(hash)
	for last := four; last != 0; last >>= 16 {
		if last&(1<<16-1) == this {
			return true
		}
	}
	seen.Store(four<<16 | this)
	return false
}

// place returns where an entry for the key goes, and whether another must go
// for it.
func (b *bucket[Q]) place(hash uint64) (place int, taken bool) {
	tag := tagOf(hash)
	for i := range b.tags {
		if t := b.tags[i].Load(); t == 0 || t == tag {
			return i, false
		}
	}
	return int(hash >> 13 % places), true
}

// put remembers e. A reader who sees the new tag with the old entry, or the
// other way round, compares the key and finds nothing.
func (c *cache[Q]) put(e *entry[Q], hash uint64) {
	b := c.bucket(hash)
	place, _ := b.place(hash)
	old := b.entries[place].Load()
	more := e.weight
	if old != nil {
		more -= old.weight
	}
	if b.entries[place].CompareAndSwap(old, e) {
		c.weight.Add(more)
		b.tags[place].Store(tagOf(hash))
	}
}

// crowded counts a miss, every 64th of them, and reports whether the cache
// should be larger.
func (c *cache[Q]) crowded(hash uint64) bool {
	return hash>>58 == 0 && c.crowd.Add(1) > int64(len(c.buckets)) && len(c.buckets) < mostBuckets
}

func newCache[Q comparable](buckets int) *cache[Q] {
	return &cache[Q]{buckets: make([]bucket[Q], buckets)}
}

// larger returns a cache with more buckets and the same entries.
func (c *cache[Q]) larger() *cache[Q] {
	n := newCache[Q](len(c.buckets) * 4)
	for i := range c.buckets {
		for j := range c.buckets[i].entries {
			if e := c.buckets[i].entries[j].Load(); e != nil {
				n.put(e, hashString(e.key))
			}
		}
	}
	return n
}

// recall returns what is remembered of a topic exchange's route for the key;
// or nil, and whether the key came before, lately, and should be remembered.
func (x *exchange[Q]) recall(key string) (e *entry[Q], again bool) {
	c := x.recent.Load()
	if c == nil {
		if x.routes.Add(1) == warmUp {
			x.recent.CompareAndSwap(nil, newCache[Q](firstBuckets))
		}
		return nil, false
	}
	hash := hashString(key)
	if e := c.get(key, hash); e != nil {
		return e, true
	}
	if c.crowded(hash) {
		x.recent.CompareAndSwap(c, c.larger())
	}
	return nil, c.again(hash)
}

// remember notes that a key leads to the groups.
func (x *exchange[Q]) remember(key string, groups []*group[Q]) {
	c, hash := x.recent.Load(), hashString(key)
	if c == nil {
		return
	}
	if _, taken := c.bucket(hash).place(hash); taken {
		// As if 64 had missed. Where many keys want the same place, most
		// leave it to the one that has it: they would only take turns.
		c.crowd.Add(1)
		if rand.Uint32()%4 > 0 {
			return
		}
	}
	e := new(entry[Q])
	switch len(groups) {
	case 0:
		e.dests = new(dests[Q])
	case 1:
		e.dests = groups[0].dests()
	default:
		for _, g := range groups {
			e.weight += int64(len(g.dests().ids))
		}
		if e.weight > heaviest || e.weight+c.weight.Load() > mostWeight {
			return
		}
		e.dests = union(groups)
	}
	e.key = strings.Clone(key)
	e.ends, e.queues = x.ends(e.dests), e.dests.result()
	c.put(e, hash)
}

// union returns the destinations of several groups.
func union[Q comparable](groups []*group[Q]) *dests[Q] {
	u, there := new(dests[Q]), make(map[uint32]bool)
	for _, g := range groups {
		d := g.dests()
		for i, id := range d.ids {
			if !there[id] {
				there[id] = true
				u.queues = append(u.queues, d.queues[i])
				u.ids = append(u.ids, id)
			}
		}
		for _, to := range d.exchanges {
			if !there[to.id] {
				there[to.id] = true
				u.exchanges = append(u.exchanges, to)
			}
		}
	}
	return u
}
