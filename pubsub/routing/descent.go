package routing

// descent matches a key against a trie in the simplest way, by recursion, and
// gathers queues as it goes. It needs no scratch memory, which makes it the
// fastest where few patterns match. It gives up, and leaves the key to states,
// where that is slow or not enough: where words follow an "#", where a match
// leads to an exchange, and where there are many queues.
type descent[Q comparable] struct {
	key    string
	first  *dests[Q] // the first destinations found
	out    []Q       // all, once there are more
	gaveUp bool
}

// fewQueues is how many queues are compared one by one.
const fewQueues = 16

// from matches the key from position i on below n. Past the key's end nothing
// is left to match.
func (s *descent[Q]) from(n *node[Q], i int) {
	if n.any != nil {
		if !n.any.kids.empty() {
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
	if n.star == nil && n.kids.empty() {
		return
	}
	end, hash := nextWord(s.key, i)
	for _, k := range n.kids.bucket(hash) {
		if k.hash == hash && (end-i < longWord || k.val.word == s.key[i:end]) {
			s.from(k.val, end+1)
			break
		}
	}
	if n.star != nil && !s.gaveUp {
		s.from(n.star, end+1)
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
