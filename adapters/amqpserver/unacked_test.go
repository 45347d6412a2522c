package amqpserver

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gobindery/bindery/pubsub"
)

type noSettler struct{}

func (noSettler) Settle(context.Context, uint64, pubsub.Outcome, bool) error { return nil }

// Deliveries are taken out and put back in any way. What is there, and in which
// order, is compared with a plain list; the space doesn't grow with what was
// settled.
func TestUnacked(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	var u unacked
	var want []uint64 // the tags that are unsettled
	var out []taken
	own := func(list []taken) (tags []uint64) {
		for _, t := range list {
			tags = append(tags, t.own)
		}
		return tags
	}
	check := func(got []taken, tags []uint64, ok bool) {
		t.Helper()
		if !slices.Equal(own(got), tags) || ok != (len(tags) > 0) {
			t.Fatalf("took %v, %v; want %v", own(got), ok, tags)
		}
		out = append(out, got...)
	}
	for range 20000 {
		tag := u.last - min(u.last, uint64(r.IntN(200)))
		i, there := slices.BinarySearch(want, tag)
		switch r.IntN(10) {
		case 0, 1, 2, 3:
			want = append(want, u.add(held{settler: noSettler{}}))
		case 4:
			u.add(held{})
		case 5, 6, 7:
			got, ok := u.take(tag)
			if there {
				check([]taken{got}, []uint64{tag}, ok)
				want = slices.Delete(want, i, i+1)
			} else if ok {
				t.Fatalf("took %d, which is not there", tag)
			}
		case 8:
			if r.IntN(20) > 0 {
				break
			}
			if got, ok := u.takeThrough(tag); there {
				check(got, want[:i+1], ok)
				want = slices.Delete(want, 0, i+1)
			} else if ok {
				t.Fatalf("took through %d, which is not there", tag)
			}
		case 9:
			if r.IntN(20) > 0 {
				break
			}
			r.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
			back := out[:len(out)/2]
			u.putBack(back)
			want = append(want, own(back)...)
			slices.Sort(want)
			out = nil
		}
		if u.unsettled != len(want) || len(u.list) > 2*len(want)+64+1 {
			t.Fatalf("%d unsettled in a list of %d; want %d", u.unsettled, len(u.list), len(want))
		}
	}
	if got := own(u.all()); !slices.Equal(got, want) || u.unsettled != 0 {
		t.Fatalf("all are %v, want %v", got, want)
	}
}
