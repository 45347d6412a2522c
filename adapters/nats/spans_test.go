package nats

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestSpans(t *testing.T) {
	for _, c := range []struct {
		last uint64
		but  []uint64
		want string
	}{
		{0, nil, ""},
		{1, nil, "1"},
		{5, nil, "1-5"},
		{5, []uint64{5, 1}, "2-4"},
		{7, []uint64{4, 2, 3}, "1,5-7"},
		{3, []uint64{1, 2, 3}, ""},
		{1 << 40, []uint64{2}, "1,3-1099511627776"},
	} {
		s := spansBut(c.last, slices.Clone(c.but))
		if s.String() != c.want {
			t.Errorf("1 to %d but %v: %q, want %q", c.last, c.but, s, c.want)
		}
		if again := parseSpans(c.want); !slices.Equal(again, s) {
			t.Errorf("%q is read as %v", c.want, again)
		}
	}
	for text, want := range map[string]string{"": "", "x": "", "3-1": "", "1-2,x,4": "1-2", "5,4": "5", "1-3,3": "1-3", "-1": "", "7-": ""} {
		if s := parseSpans(text); s.String() != want {
			t.Errorf("%q is read as %q, want %q", text, s, want)
		}
	}
}

// What spans have is what the numbers are that they were made of.
func TestSpansUnion(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		some := func() (numbers []uint64) {
			for range r.IntN(12) {
				numbers = append(numbers, 1+r.Uint64N(30))
			}
			return numbers
		}
		a, b := some(), some()
		s := spansOf(slices.Clone(a)).union(spansBut(10, slices.DeleteFunc(slices.Clone(b), func(n uint64) bool { return n > 10 })))
		for n := range uint64(35) {
			want := slices.Contains(a, n) || 1 <= n && n <= 10 && !slices.Contains(b, n)
			if s.has(n) != want {
				t.Fatalf("seed %d: %v of %v and 1 to 10 but %v: it has %d: %t", seed, s, a, b, n, !want)
			}
		}
		if again := parseSpans(s.String()); !slices.Equal(again, s) {
			t.Fatalf("seed %d: %v is read as %v", seed, s, again)
		}
	}
}
