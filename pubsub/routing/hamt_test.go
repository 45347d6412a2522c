package routing

import (
	"math/rand/v2"
	"testing"
)

type item struct {
	key  int
	hash uint64
}

// TestHamt does the same to a hamt and to a map. Among the hashes are many
// that are equal, and many that differ in their last bits only.
func TestHamt(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 3))
	for round, hash := range []func(int) uint64{
		func(k int) uint64 { return scramble(uint64(k)) },
		func(k int) uint64 { return uint64(k) },
		func(k int) uint64 { return uint64(k) << 60 },
		func(k int) uint64 { return uint64(k % 5) },
		func(int) uint64 { return 0 },
	} {
		keys := 6000
		if round == 4 {
			keys = 200 // one long list
		}
		var h hamt[item]
		want := map[int]*item{}
		type snapshot struct {
			h    hamt[item]
			want map[int]*item
		}
		var olds []snapshot
		for step := range 12_000 {
			k := rnd.IntN(keys)
			is := func(i *item) bool { return i.key == k }
			if got := h.get(hash(k), is); got != want[k] {
				t.Fatalf("round %d, step %d: get %d: got %v, want %v", round, step, k, got, want[k])
			}
			shrinking := step/3000%2 == 1
			if put := rnd.IntN(10) < 7; put != shrinking {
				v := &item{k, hash(k)}
				h, want[k] = h.put(v.hash, v, is), v
			} else {
				n, gone := h.remove(hash(k), is)
				if gone != want[k] {
					t.Fatalf("round %d, step %d: removed %v, want %v", round, step, gone, want[k])
				}
				delete(want, k)
				h = n
			}
			if step%1500 == 0 {
				c := map[int]*item{}
				for k, v := range want {
					c[k] = v
				}
				olds = append(olds, snapshot{h, c})
			}
		}
		olds = append(olds, snapshot{h, want})
		for i, s := range olds {
			n := 0
			for v := range s.h.all() {
				if n++; s.want[v.key] != v {
					t.Fatalf("round %d, snapshot %d: has %v, want %v", round, i, v, s.want[v.key])
				}
			}
			if longest := longestSlots(&s.h); round < 2 && longest > slotsMax {
				t.Fatalf("round %d, snapshot %d: a slice has %d values", round, i, longest)
			}
			if n != len(s.want) {
				t.Fatalf("round %d, snapshot %d: %d values, want %d", round, i, n, len(s.want))
			}
		}
		for k := range want {
			h, _ = h.remove(hash(k), func(i *item) bool { return i.key == k })
		}
		if !h.empty() || h.slots != nil {
			t.Errorf("round %d: not empty when all is removed: %+v", round, h)
		}
	}
}

func longestSlots(h *hamt[item]) int {
	n := len(h.slots)
	if h.kids != nil {
		for i := range h.kids {
			n = max(n, longestSlots(&h.kids[i]))
		}
	}
	return n
}
