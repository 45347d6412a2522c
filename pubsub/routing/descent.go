package routing

// descent matches a key against a trie in the simplest way, by recursion, and
// gathers queues as it goes. It needs no scratch memory, which makes it the
// fastest where few patterns match. It gives up, and leaves the key to states,
// where that is slow or not enough: where words follow an "#", where a match
// leads to an exchange, and where there are many queues or words.
type descent[Q comparable] struct {
	key    string
	first  *dests[Q] // the first destinations found
	out    []Q       // all, once there are more
	gaveUp bool

	// The words of the key so far as they were needed, for the ways through
	// the trie share them.
	words   [fewWords]struct{ end, hash uint64 }
	scanned int
}

const (
	fewWords  = 8
	fewQueues = 16 // these are compared one by one
)

// from matches the key from position i on, where its word d begins, below n.
// Past the key's end nothing is left to match.
func (s *descent[Q]) from(n *node[Q], i, d int) {
	if n.any != nil {
		if n.any.filter != 0 {
			s.gaveUp = true
			return
		}
		s.take(&n.any.group)
	}
	if i > len(s.key) || s.key == "" {
		if !n.group.empty() {
			s.take(&n.group)
		}
		return
	}
	if n.star == nil && n.filter == 0 {
		return
	}
	if d >= fewWords {
		s.gaveUp = true
		return
	}
	w := &s.words[d]
	if d == s.scanned {
		end, hash := nextWord(s.key, i)
		w.end, w.hash = uint64(end), hash
		s.scanned++
	}
	end := int(w.end)
	if k := n.kid(s.key[i:end], w.hash); k != nil {
		s.from(k, end+1, d+1)
	}
	if n.star != nil && !s.gaveUp {
		s.from(n.star, end+1, d+1)
	}
}

func (s *descent[Q]) take(g *group[Q]) {
	d := g.dests()
	if s.first == nil && len(d.exchanges) == 0 {
		s.first = d
		return
	}
	if len(d.exchanges) > 0 || len(d.queues) > fewQueues || len(s.first.queues) > fewQueues || len(s.out) > fewQueues {
		s.gaveUp = true
		return
	}
	if len(s.out) == 0 {
		s.out = append(s.out, s.first.queues...)
	}
queues:
	for _, q := range d.queues {
		for _, p := range s.out {
			if p == q {
				continue queues
			}
		}
		s.out = append(s.out, q)
	}
}

// result is the queues found.
func (s *descent[Q]) result() []Q {
	if s.first != nil && len(s.out) == 0 {
		return s.first.result()
	}
	return s.out
}
