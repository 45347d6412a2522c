package pubsub

import (
	"errors"
	"flag"
	"math/rand/v2"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var seed = flag.Uint64("seed", 0, "what random tests start from; 0 chooses")

// random returns a source for a random test, and prints how to repeat it.
func random(t *testing.T) *rand.Rand {
	t.Helper()
	s := *seed
	if s == 0 {
		s = uint64(time.Now().UnixNano())
	}
	t.Logf("repeat with: go test ./pubsub -run '^%s$' -seed=%d", t.Name(), s)
	return rand.New(rand.NewPCG(s, 1))
}

// consume returns a Broker on an adapter whose consumers are s, and one.
func consume(t *testing.T, s *fakeSub, o *ConsumeOptions) (*Broker, *Consumer) {
	t.Helper()
	s.autoAck = orZero(o).AutoAck
	fake := (&fakeAdapter{onClose: s.Close}).consumes(s)
	b := New(fake, nil)
	c, err := b.Consume(t.Context(), "q", o)
	if err != nil {
		t.Fatal(err)
	}
	return b, c
}

// receive receives n deliveries.
func receive(t *testing.T, c *Consumer, n int) []Delivery {
	t.Helper()
	ds := make([]Delivery, n)
	for i := range ds {
		var err error
		if ds[i], err = c.Receive(t.Context()); err != nil {
			t.Fatalf("delivery %d of %d: %v", i+1, n, err)
		}
	}
	return ds
}

// wantErr checks that err wraps all of want; with none, that it is nil.
func wantErr(t *testing.T, what string, err error, want ...error) {
	t.Helper()
	if len(want) == 0 && err != nil {
		t.Errorf("%s: %v", what, err)
	}
	for _, w := range want {
		if !errors.Is(err, w) {
			t.Errorf("%s: got the error %v; want one that wraps %q", what, err, w)
		}
	}
}

// errScripted is an error that only an adapter of a test returns.
var errScripted = errors.New("scripted")

// during runs f in a goroutine, and returns a channel that gets what it
// returns.
func during[T any](f func() T) <-chan T {
	c := make(chan T, 1)
	go func() { c <- f() }()
	return c
}

// running fails the test if a result is there already.
func running[T any](t *testing.T, what string, c <-chan T) {
	t.Helper()
	select {
	case v := <-c:
		t.Fatalf("%s returned %v; want it to wait", what, v)
	default:
	}
}

// ended returns the result that must be there.
func ended[T any](t *testing.T, what string, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	default:
		t.Fatalf("%s waits; want it to return", what)
	}
	return v
}
