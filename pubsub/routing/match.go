package routing

import "hash/maphash"

// states matches one key against a trie: it is the set of nodes where the
// words read so far lead, at once. Each word takes the whole set one step on,
// so the cost is at most words × reachable nodes, whatever the patterns are.
//
// A node that one step has reached is reached once, for a trie has one way to
// each node, and the nodes before it were there once each. The exception is an
// "#" node: from its parent whenever that is reached, and from itself, as it
// takes any word. So it is kept apart, in looping, from its first time until
// the key's end: being there twice, or later, would add nothing.
type states[Q comparable] struct {
	now, next []*node[Q]
	looping   []*node[Q]  // "#" nodes with words behind them
	seen      nodeSet[Q]  // those in looping
	found     []*group[Q] // groups that match
}

// match returns the groups that match the key. They are valid until done.
func (s *states[Q]) match(root *node[Q], key string) []*group[Q] {
	if root == nil {
		return nil
	}
	s.reach(root)
	for i, more := 0, key != ""; more; {
		s.now, s.next = s.next, s.now
		if len(s.now) == 0 && len(s.looping) == 0 {
			return s.found
		}
		end, hash := nextWord(key, i)
		w := key[i:end]
		i, more = end+1, end < len(key)
		// Those that this word makes loop have not read it, and wait.
		for _, n := range s.looping {
			if k := n.kid(w, hash); k != nil {
				s.reach(k)
			}
		}
		for _, n := range s.now {
			if n.star != nil {
				s.reach(n.star)
			}
			if k := n.kid(w, hash); k != nil {
				s.reach(k)
			}
		}
		s.now = emptied(s.now)
	}
	for _, n := range s.next {
		if !n.group.empty() {
			s.found = append(s.found, &n.group)
		}
	}
	return s.found
}

// done forgets a key, and lets go of the trie.
func (s *states[Q]) done() {
	s.next, s.looping, s.found = emptied(s.next), emptied(s.looping), emptied(s.found)
	s.seen.clear()
}

func emptied[T any](list []*T) []*T {
	clear(list)
	return list[:0]
}

// reach puts n into the next set, and its "#", which need not take a word,
// among those that loop. A pattern that ends there matches whatever comes.
func (s *states[Q]) reach(n *node[Q]) {
	s.next = append(s.next, n)
	a := n.any
	if a == nil || !s.seen.add(a) {
		return
	}
	if !a.group.empty() {
		s.found = append(s.found, &a.group)
	}
	if !a.kids.empty() {
		s.looping = append(s.looping, a)
	}
}

// nodeSet is a set of "#" nodes: a list, and a hash table when it is long.
type nodeSet[Q comparable] struct {
	list  []*node[Q]
	table []uint32 // 1 + index into list; linear probing; empty if list is short
}

const nodeSetShort = 8

var nodeSeed = maphash.MakeSeed()

func (s *nodeSet[Q]) clear() {
	if len(s.list) > nodeSetShort {
		clear(s.table)
	}
	clear(s.list)
	s.list = s.list[:0]
}

// add adds n and reports whether it was not there before.
func (s *nodeSet[Q]) add(n *node[Q]) bool {
	if len(s.list) < nodeSetShort {
		for _, m := range s.list {
			if m == n {
				return false
			}
		}
		s.list = append(s.list, n)
		return true
	}
	if len(s.list) == nodeSetShort || 2*len(s.list) > len(s.table) {
		s.index()
	}
	i := s.place(n)
	if s.table[i] != 0 {
		return false
	}
	s.list = append(s.list, n)
	s.table[i] = uint32(len(s.list))
	return true
}

// place returns where n is in the table, or belongs.
func (s *nodeSet[Q]) place(n *node[Q]) int {
	mask := len(s.table) - 1
	i := int(maphash.Comparable(nodeSeed, n)) & mask
	for s.table[i] != 0 && s.list[s.table[i]-1] != n {
		i = (i + 1) & mask
	}
	return i
}

// index makes the table from the list, with room to double it.
func (s *nodeSet[Q]) index() {
	if size := max(64, len(s.table)); 4*len(s.list) > size {
		s.table = make([]uint32, 2*size)
	} else if len(s.table) == 0 {
		s.table = make([]uint32, size)
	} else {
		clear(s.table)
	}
	for i, n := range s.list {
		s.table[s.place(n)] = uint32(i + 1)
	}
}
