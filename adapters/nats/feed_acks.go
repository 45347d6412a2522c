package nats

import (
	"context"
	"strconv"
	"strings"
)

// hold says how many queues have taken a message; none acks it.
func (f *feed) hold(seq uint64, n int) {
	if n == 0 {
		f.finish(seq)
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if r, ok := f.replies[seq]; ok {
		r.left = n
		f.replies[seq] = r
	}
}

// finish acks a message, unless other queues have it too.
func (f *feed) finish(seq uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	r, ok := f.replies[seq]
	if !ok {
		return
	}
	if r.left--; r.left > 0 {
		f.replies[seq] = r
		return
	}
	delete(f.replies, seq)
	f.bytes -= r.size
	f.ack(r.subject)
}

var ackBody = []byte("+ACK")

// ack has an ack sent. The caller holds the lock.
func (f *feed) ack(subject string) {
	f.acked = append(f.acked, subject)
	f.unsent = append(f.unsent, subject)
}

// sendAcks sends the acks that are to be sent, unless somebody else does already, who then sends
// these too. It holds no lock: nats.go's may be held for as long as a write takes.
func (f *feed) sendAcks() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.sending {
		return
	}
	f.sending = true
	for len(f.unsent) > 0 {
		acks := f.unsent
		f.unsent, f.spare = f.spare[:0], nil
		f.mu.Unlock()
		for _, subject := range acks {
			f.conn.nc.Publish(subject, ackBody) // if it fails, the connection is lost, and flush sends it again
		}
		clear(acks)
		f.mu.Lock()
		f.spare = acks
	}
	f.sending = false
	f.idle.Broadcast()
}

// flush returns once the server has all acks that were sent before.
func (f *feed) flush(ctx context.Context) error {
	f.sendAcks()
	f.mu.Lock()
	for f.sending {
		f.idle.Wait()
	}
	n := len(f.acked) - len(f.unsent)
	if n == 0 {
		f.mu.Unlock()
		return nil
	}
	// Those that were sent before the connection was lost may be lost too. A connection that is lost
	// from here on fails the request below.
	if r := f.conn.nc.Stats().Reconnects; r != f.reconnects {
		f.reconnects = r
		for _, subject := range f.acked[:n] {
			f.conn.nc.Publish(subject, ackBody)
		}
	}
	until, subject := f.flushed+n, f.acked[n-1]
	f.mu.Unlock()
	// Acks of one consumer are handled in their order, and this one is answered.
	if _, err := f.conn.nc.RequestWithContext(ctx, subject, ackBody); err != nil {
		return err
	}
	f.mu.Lock()
	if n := until - f.flushed; n > 0 { // else another call was faster
		f.acked = append(f.acked[:0], f.acked[n:]...)
		f.flushed = until
	}
	f.mu.Unlock()
	return nil
}

// ackSubject is what the subject of a message's ack tells about it.
type ackSubject struct {
	consumer   string
	deliveries uint64
	stored     uint64 // the stream's sequence
	sequence   uint64 // the consumer's
	at         int64  // when it was stored, by the server's clock
}

// parseAckSubject reads $JS.ACK.<stream>.<consumer>.<deliveries>.<stored>.<sequence>.<time>.<pending>,
// or the longer form with a domain and an account before the stream.
func parseAckSubject(s string) (a ackSubject, ok bool) {
	skip := 3
	switch n := strings.Count(s, "."); {
	case n >= 10:
		skip = 5
	case n != 8:
		return a, false
	}
	for range skip {
		_, s, _ = strings.Cut(s, ".")
	}
	a.consumer, s, _ = strings.Cut(s, ".")
	var numbers [4]uint64
	for i := range numbers {
		var token string
		token, s, _ = strings.Cut(s, ".")
		var err error
		if numbers[i], err = strconv.ParseUint(token, 10, 63); err != nil {
			return a, false
		}
	}
	a.deliveries, a.stored, a.sequence, a.at = numbers[0], numbers[1], numbers[2], int64(numbers[3])
	return a, true
}
