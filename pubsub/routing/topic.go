package routing

import "strings"

// node is a place in the trie of a topic exchange's patterns: the words on the
// way to it are a pattern, and group is the bindings with it. Nodes are never
// changed; a trie with one more binding has new nodes on the way to it, and
// shares all others.
type node[Q comparable] struct {
	word  string
	group group[Q]
	kids  hamt[node[Q]] // by literal word
	star  *node[Q]      // "*": one word
	any   *node[Q]      // "#": any number of words; its own star and any are nil

	// filter has a bit for the hash of each word in kids, and may have more.
	// Most words of a key lead nowhere, which it tells at once.
	filter uint64
}

// splitPattern returns a pattern's words in normal form: in a run of wildcards
// only the number of "*" counts, and whether there is a "#", which comes last.
// So "#.#" is "#", and "#.*" is "*.#". Such patterns match the same keys, and
// share a node; the bindings there keep the pattern as it was given. With it,
// after "#" comes a literal word, or the end.
func splitPattern(pattern string) []string {
	if pattern == "" {
		return nil
	}
	words := strings.Split(pattern, ".")
	n, any := 0, false
	for _, w := range words {
		if w == "#" {
			any = true
			continue
		}
		if w != "*" && any {
			words[n], any = "#", false
			n++
		}
		words[n] = w
		n++
	}
	if any {
		words[n] = "#"
		n++
	}
	return words[:n]
}

// with returns the trie below n, which may be nil, with b at words.
func (n *node[Q]) with(words []string, b *binding[Q]) *node[Q] {
	c := new(node[Q])
	if n != nil {
		*c = *n
	}
	if len(words) == 0 {
		c.group = c.group.with(b)
		return c
	}
	w, rest := words[0], words[1:]
	switch w {
	case "*":
		c.star = c.star.with(rest, b)
	case "#":
		c.any = c.any.with(rest, b)
	default:
		hash, is := hashWord(w), func(k *node[Q]) bool { return k.word == w }
		k := c.kids.get(hash, is).with(rest, b)
		k.word = w
		c.kids = c.kids.put(hash, k, is)
		c.filter |= 1 << (hash >> 58)
	}
	return c
}

// kid returns the node for a literal word with this hash, or nil.
func (n *node[Q]) kid(word string, hash uint64) *node[Q] {
	if n.filter>>(hash>>58)&1 == 0 {
		return nil
	}
	for _, k := range n.kids.bucket(hash) {
		if k.hash == hash && (len(word) < longWord || k.val.word == word) {
			return k.val
		}
	}
	return nil
}

// without returns the trie below n without b, which must be at words; nil if
// nothing is left.
func (n *node[Q]) without(words []string, b *binding[Q]) *node[Q] {
	c := new(node[Q])
	*c = *n
	if len(words) == 0 {
		c.group = c.group.without(b)
	} else {
		w, rest := words[0], words[1:]
		switch w {
		case "*":
			c.star = c.star.without(rest, b)
		case "#":
			c.any = c.any.without(rest, b)
		default:
			hash, is := hashWord(w), func(k *node[Q]) bool { return k.word == w }
			if k := c.kids.get(hash, is).without(rest, b); k != nil {
				c.kids = c.kids.put(hash, k, is)
			} else {
				c.kids, _ = c.kids.remove(hash, is)
				if c.kids.kids == nil {
					c.filter = 0
					for _, k := range c.kids.slots {
						c.filter |= 1 << (k.hash >> 58)
					}
				}
			}
		}
	}
	if c.group.empty() && c.star == nil && c.any == nil && c.kids.empty() {
		return nil
	}
	return c
}

// bindings visits every binding in the trie below n, which may be nil.
func (n *node[Q]) bindings(yield func(*binding[Q]) bool) bool {
	if n == nil {
		return true
	}
	return n.group.bindings(yield) && n.star.bindings(yield) && n.any.bindings(yield) &&
		n.kids.each(func(k *node[Q]) bool { return k.bindings(yield) })
}
