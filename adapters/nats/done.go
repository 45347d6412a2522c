package nats

// On several replicas, messages that were acked may come again from the next consumer of
// their stream. The server that leads the consumer confirms an ack once most replicas of the
// consumer have it. The one that leads the stream takes the message out when its own replica
// of the consumer gets there, which on a busy server is later. A consumer that is deleted in
// between leaves the message in the stream for good; and the next consumer may be on a server
// whose replica of the stream still has what was taken out. So a feed remembers what is done
// with, and a leader tells the next one of it.

// done is which messages of a stream are done with.
type done struct {
	seqs spans
	// last is when the last message was stored that they may be, by the server's clock in
	// Unix nanoseconds. A stream that was lost and made again counts from 1 again; its messages
	// are later.
	last int64
}

// has reports whether a message that was stored at a time is among them.
func (d *done) has(seq uint64, stamp int64) bool { return stamp <= d.last && d.seqs.has(seq) }

func (d done) union(other *done) done {
	return done{d.seqs.union(other.seqs), max(d.last, other.last)}
}

// done returns what is done with of all that has come.
func (f *feed) done() done {
	f.mu.Lock()
	defer f.mu.Unlock()
	left := make([]uint64, 0, len(f.replies))
	for seq := range f.replies {
		left = append(left, seq)
	}
	return done{spansBut(f.seen, left), f.seenAt}
}
