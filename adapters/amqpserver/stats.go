package amqpserver

import (
	"net"
	"sync/atomic"

	"github.com/gobindery/bindery/pubsub"
)

// Stats are a Server's figures. Those of messages and bytes count since the
// Server was made.
type Stats struct {
	Connections int // clients that are connected, in the handshake or after it
	Channels    int // that are open
	Consumers   int // on all channels
	Blocked     int // connections whose publishes wait for memory

	MemoryUsed  int64 // bytes: what Server.MemoryUsed tells, or the heap, garbage included
	MemoryAlarm bool  // publishes wait for memory

	Accepted     uint64 // connections that were served
	TurnedAway   uint64 // connections that were too many
	FailedLogins uint64 // wrong passwords

	Published uint64 // messages that clients published
	Confirmed uint64 // of these, that a confirm said were taken
	Refused   uint64 // of these, that a confirm said were not taken
	Returned  uint64 // of these, that were mandatory and no queue wanted

	Delivered uint64 // messages that went to consumers or answered basic.get, those that came again included
	Acked     uint64 // deliveries that clients acknowledged
	Requeued  uint64 // deliveries that clients put back
	Rejected  uint64 // deliveries that clients rejected for good

	BytesIn  uint64 // that were read from clients
	BytesOut uint64 // that were written to clients
}

// counters are what one connection counts. Each has its own, because one that
// all have would go from CPU to CPU with each message. What is told to a client
// is counted before that: it may ask for the figures at once.
type counters struct {
	channels, consumers atomic.Int64 // that there are now

	published, confirmed, refused, returned atomic.Uint64
	delivered, acked, requeued, rejected    atomic.Uint64
	bytesIn, bytesOut                       atomic.Uint64
}

// settled counts outcomes of deliveries.
func (n *counters) settled(as pubsub.Outcome, some int) {
	switch as {
	case pubsub.Ack:
		n.acked.Add(uint64(some))
	case pubsub.Requeue:
		n.requeued.Add(uint64(some))
	default:
		n.rejected.Add(uint64(some))
	}
}

// addTo adds what counts up.
func (n *counters) addTo(s *Stats) {
	s.Published += n.published.Load()
	s.Confirmed += n.confirmed.Load()
	s.Refused += n.refused.Load()
	s.Returned += n.returned.Load()
	s.Delivered += n.delivered.Load()
	s.Acked += n.acked.Load()
	s.Requeued += n.requeued.Load()
	s.Rejected += n.rejected.Load()
	s.BytesIn += n.bytesIn.Load()
	s.BytesOut += n.bytesOut.Load()
}

// counted is a connection that counts what is written to it.
type counted struct {
	net.Conn
	counters *counters
}

func (c counted) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.counters.bytesOut.Add(uint64(n))
	return n, err
}

// Stats returns the figures of this moment. It looks at each connection, and
// stops none. Safe for concurrent use.
func (s *Server) Stats() Stats {
	used := s.MemoryUsed
	if used == nil {
		used = heapBytes
	}
	bytes := used()
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.past
	now.Connections = len(s.conns)
	now.Blocked = int(s.blocked.Load())
	now.MemoryUsed = bytes
	now.MemoryAlarm = s.low.reached()
	now.FailedLogins = s.failedLogins.Load()
	for c := range s.conns {
		now.Channels += int(c.counters.channels.Load())
		now.Consumers += int(c.counters.consumers.Load())
		c.counters.addTo(&now)
	}
	return now
}
