package routing

import (
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
	misses  atomic.Int64 // every 64th is counted
	weight  atomic.Int64 // queues in lists that the cache alone holds
}

// bucket is as large as a cache line.
type bucket[Q comparable] struct {
	tags    [places]atomic.Uint32 // of entries; 0: none
	seen    [places]atomic.Uint32 // tags of keys that came once
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

func tagOf(hash uint64) uint32 { return uint32(hash>>32) | 1 }

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
	b, tag := c.bucket(hash), tagOf(hash)
	seen := &b.seen[hash>>30%places]
	if seen.Load() == tag {
		return true
	}
	seen.Store(tag)
	return false
}

// put remembers e, in the place of another if need be. A reader who sees the
// new tag with the old entry, or the other way round, compares the key and
// finds nothing.
func (c *cache[Q]) put(e *entry[Q], hash uint64) {
	b, tag := c.bucket(hash), tagOf(hash)
	place := int(hash >> 28 % places)
	for i := range b.tags {
		if t := b.tags[i].Load(); t == 0 || t == tag {
			place = i
			break
		}
	}
	old := b.entries[place].Load()
	more := e.weight
	if old != nil {
		more -= old.weight
	}
	if more > 0 && c.weight.Load()+more > mostWeight {
		return
	}
	if b.entries[place].CompareAndSwap(old, e) {
		c.weight.Add(more)
		b.tags[place].Store(tag)
	}
}

// crowded counts a miss and reports whether there were many for the size.
func (c *cache[Q]) crowded(hash uint64) bool {
	const one = 64
	return hash>>58 == 0 && c.misses.Add(1)*one > int64(len(c.buckets)*places*16) && len(c.buckets) < mostBuckets
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
	c := x.recent.Load()
	if c == nil {
		return
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
	c.put(e, hashString(key))
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
