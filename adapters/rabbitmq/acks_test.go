package rabbitmq

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobindery/bindery/pubsub"
)

// recorder is an AMQP channel that notes what it is told, and checks it as
// RabbitMQ does.
type recorder struct {
	t *testing.T

	mu        sync.Mutex
	told      []string
	unsettled []uint64
	outcome   map[uint64]string
	err       error
}

func (r *recorder) settle(tag uint64, multiple bool, what string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return r.err
	}
	i, ok := slices.BinarySearch(r.unsettled, tag)
	if !ok {
		r.t.Errorf("%s %d: unknown delivery tag; RabbitMQ would close the channel", what, tag)
		return nil
	}
	first := i
	if multiple {
		first = 0
	}
	for _, tag := range r.unsettled[first : i+1] {
		r.outcome[tag] = what
	}
	r.unsettled = slices.Delete(r.unsettled, first, i+1)
	s := fmt.Sprint(what, " ", tag)
	if multiple {
		s = fmt.Sprint(what, " to ", tag)
	}
	r.told = append(r.told, s)
	return nil
}

func (r *recorder) came(tag uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.unsettled = append(r.unsettled, tag)
}

func (r *recorder) Ack(tag uint64, multiple bool) error { return r.settle(tag, multiple, "ack") }

func (r *recorder) Reject(tag uint64, requeue bool) error {
	if requeue {
		return r.settle(tag, false, "requeue")
	}
	return r.settle(tag, false, "reject")
}

func (r *recorder) says(want ...string) {
	r.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if got := strings.Join(r.told, ", "); got != strings.Join(want, ", ") {
		r.t.Errorf("told RabbitMQ %q; want %q", got, strings.Join(want, ", "))
	}
	r.told = nil
}

// arrive is an acker with n deliveries.
func arrive(t *testing.T, prefetch, n int) (*acker, *recorder) {
	r := &recorder{t: t, outcome: make(map[uint64]string)}
	a := newAcker(r, prefetch)
	for i := range n {
		a.arrived(uint64(i + 1))
		r.came(uint64(i + 1))
	}
	return a, r
}

func settle(t *testing.T, a *acker, o pubsub.Outcome, tags ...uint64) {
	t.Helper()
	for _, tag := range tags {
		if err := a.settle(tag, o, false); err != nil {
			t.Error(err)
		}
	}
}

func TestAcksMerge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, r := arrive(t, 256, 10)
		settle(t, a, pubsub.Ack, 1, 2, 3)
		r.says() // others are to come
		time.Sleep(holdBack)
		synctest.Wait()
		r.says("ack to 3")

		// A gap: what is behind it goes one by one, and no later.
		settle(t, a, pubsub.Ack, 5, 6)
		time.Sleep(holdBack)
		synctest.Wait()
		r.says("ack 5", "ack 6")
		settle(t, a, pubsub.Ack, 4, 7)
		time.Sleep(holdBack)
		synctest.Wait()
		r.says("ack to 7")

		// The last one, after a pause, goes at once.
		time.Sleep(time.Second)
		settle(t, a, pubsub.Ack, 8, 9, 10)
		r.says("ack to 10")
		if n := a.unsettledCount(); n != 0 {
			t.Errorf("%d are unsettled; want none", n)
		}
		a.end()
	})
}

func TestAcksPrefetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, r := arrive(t, 1, 1)
		settle(t, a, pubsub.Ack, 1)
		r.says("ack 1")
		a.end()

		a, r = arrive(t, 16, 16)
		settle(t, a, pubsub.Ack, 1, 2, 3)
		r.says()
		settle(t, a, pubsub.Ack, 4) // a quarter of the prefetch
		r.says("ack to 4")
		a.end()
	})
}

func TestAcksOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, r := arrive(t, 256, 9)
		settle(t, a, pubsub.Ack, 1, 2)
		settle(t, a, pubsub.Requeue, 5, 3)
		settle(t, a, pubsub.Reject, 4)
		r.says("ack to 2", "requeue 5", "requeue 3", "reject 4")
		if err := a.settle(7, pubsub.Ack, true); err != nil {
			t.Error(err)
		}
		settle(t, a, pubsub.Requeue, 6) // was overtaken
		if err := a.settle(9, pubsub.Reject, true); err != nil {
			t.Error(err)
		}
		r.says("ack to 7", "reject 8", "reject 9")
		a.end()
	})
}

func TestAcksEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, r := arrive(t, 256, 5)
		settle(t, a, pubsub.Ack, 1, 2)
		if err := a.flush(); err != nil {
			t.Error(err)
		}
		r.says("ack to 2")
		r.err = errors.New("closed")
		if err := a.settle(3, pubsub.Requeue, false); !errors.Is(err, pubsub.ErrDeliveryLost) {
			t.Errorf("a requeue on a closed channel: %v; want ErrDeliveryLost", err)
		}
		a.end()
		r.err = nil
		if err := a.settle(4, pubsub.Ack, false); !errors.Is(err, pubsub.ErrDeliveryLost) {
			t.Errorf("an ack after the end: %v; want ErrDeliveryLost", err)
		}
		time.Sleep(time.Second)
		r.says()
	})
}

// Whatever the order, RabbitMQ gets each outcome once, and is never told a tag
// that it doesn't know.
func TestAcksRandomly(t *testing.T) {
	for seed := range uint64(200) {
		synctest.Test(t, func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 1))
			a, r := arrive(t, 1+rnd.IntN(300), 0)
			want := make(map[uint64]string)
			var open []uint64
			last := uint64(0)
			for last < 300 || len(open) > 0 {
				switch {
				case last < 300 && (len(open) == 0 || rnd.IntN(2) == 0):
					last++
					r.came(last)
					a.arrived(last)
					open = append(open, last)
				case rnd.IntN(40) == 0:
					through := open[rnd.IntN(len(open))]
					for len(open) > 0 && open[0] <= through {
						want[open[0]] = "ack"
						open = open[1:]
					}
					if err := a.settle(through, pubsub.Ack, true); err != nil {
						t.Fatal(err)
					}
				default:
					i := rnd.IntN(min(len(open), 5))
					o := []pubsub.Outcome{pubsub.Ack, pubsub.Ack, pubsub.Ack, pubsub.Ack, pubsub.Requeue, pubsub.Reject}[rnd.IntN(6)]
					want[open[i]] = o.String()
					settle(t, a, o, open[i])
					open = slices.Delete(open, i, i+1)
				}
				if rnd.IntN(20) == 0 {
					time.Sleep(time.Duration(rnd.IntN(2000)) * time.Microsecond)
				}
			}
			time.Sleep(holdBack)
			synctest.Wait()
			for tag := uint64(1); tag <= last; tag++ {
				if r.outcome[tag] != want[tag] {
					t.Fatalf("seed %d: RabbitMQ was told %q for %d; want %q", seed, r.outcome[tag], tag, want[tag])
				}
			}
			a.end()
		})
	}
}
