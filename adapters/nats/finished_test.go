package nats

import (
	"fmt"
	"slices"
	"testing"

	"github.com/nats-io/nats.go"
)

// A message that is done with isn't taken again when its ack was lost, though it was answered,
// as it may be with a server that is killed: it is acked once more. One of a stream that has
// begun anew is taken, and so is one that comes again from the same stream for the first time.
func TestFinishedComesAgain(t *testing.T) {
	var taken []uint64
	f := newFeed(new(Conn), "S", func(m stored) { taken = append(taken, m.seq) }, func() int { return 0 }, nil)
	come := func(generation, sequence int, seq uint64, at int64, want ...uint64) {
		t.Helper()
		f.consumer = fmt.Sprint(generation)
		taken = nil
		f.receive(&nats.Msg{Reply: fmt.Sprintf("$JS.ACK.S.%d.1.%d.%d.%d.0", generation, seq, sequence, at), Sub: new(nats.Subscription)})
		if !slices.Equal(taken, want) {
			t.Errorf("of the message %d of generation %d, %d are taken; want %d", seq, generation, taken, want)
		}
	}
	come(1, 1, 7, 100, 7)
	come(1, 2, 8, 101, 8)
	come(1, 3, 9, 99, 9) // by another server, whose clock is behind
	f.finish(7)
	f.finish(8)
	f.acked, f.flushed = nil, 2 // they were answered

	f.sequence = 0 // another consumer
	come(2, 1, 7, 100)
	come(2, 2, 8, 101)
	come(2, 3, 9, 99)
	come(2, 4, 10, 102, 10)
	if len(f.replies) != 2 {
		t.Errorf("%d messages are not done; want 2", len(f.replies))
	}
	if want := []string{"$JS.ACK.S.2.1.7.1.100.0", "$JS.ACK.S.2.1.8.2.101.0"}; !slices.Equal(f.acked, want) {
		t.Errorf("acked are %q; want %q", f.acked, want)
	}

	f.sequence = 0
	come(3, 1, 1, 200, 1) // the stream has begun anew
}
