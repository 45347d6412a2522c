package nats

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// spans are ranges of numbers, from low to high, that don't touch. Unlike what parseRanges
// makes of them, they may stand for any number of numbers.
type spans []span

type span struct{ first, last uint64 }

// spansBut returns all numbers from 1 to last, but some, which it sorts.
func spansBut(last uint64, but []uint64) (s spans) {
	slices.Sort(but)
	next := uint64(1)
	for _, n := range but {
		if n > next {
			s = append(s, span{next, n - 1})
		}
		next = n + 1
	}
	if next <= last {
		s = append(s, span{next, last})
	}
	return s
}

// has reports whether a number is in one of them.
func (s spans) has(n uint64) bool {
	_, in := slices.BinarySearchFunc(s, n, func(r span, n uint64) int {
		if r.first <= n && n <= r.last {
			return 0
		}
		return cmp.Compare(r.first, n)
	})
	return in
}

// spansOf returns those of some numbers, which it sorts.
func spansOf(numbers []uint64) (s spans) {
	slices.Sort(numbers)
	for _, n := range numbers {
		s = append(s, span{n, n})
	}
	return s.union(nil)
}

// union returns the numbers of both.
func (s spans) union(other spans) (all spans) {
	both := slices.Concat(s, other)
	slices.SortFunc(both, func(a, b span) int { return cmp.Compare(a.first, b.first) })
	for _, r := range both {
		if n := len(all); n > 0 && r.first <= all[n-1].last+1 {
			all[n-1].last = max(all[n-1].last, r.last)
			continue
		}
		all = append(all, r)
	}
	return all
}

// String writes them as formatRanges does: 1-3,7.
func (s spans) String() string {
	var b []byte
	for i, r := range s {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendUint(b, r.first, 10)
		if r.last > r.first {
			b = append(b, '-')
			b = strconv.AppendUint(b, r.last, 10)
		}
	}
	return string(b)
}

// parseSpans reads what String wrote. From what can't be read on, all is left out.
func parseSpans(text string) (s spans) {
	next := uint64(1)
	for part := range strings.SplitSeq(text, ",") {
		low, high, isRange := strings.Cut(part, "-")
		if !isRange {
			high = low
		}
		first, err := strconv.ParseUint(low, 10, 64)
		last, err2 := strconv.ParseUint(high, 10, 64)
		if err != nil || err2 != nil || first < next || last < first {
			break
		}
		s, next = append(s, span{first, last}), last+1
	}
	return s
}
