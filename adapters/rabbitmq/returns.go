package rabbitmq

import (
	"encoding/binary"
	"hash/maphash"
	"math"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// RabbitMQ returns an unroutable mandatory message before it confirms it, and
// returns messages in the order in which it got them. But a return carries no
// delivery tag, and confirms of routed messages may come in between or later,
// so that the order alone doesn't tell which message came back. What came back
// is the first of those in flight that has the same exchange, key, properties,
// headers and body. Of messages that are alike in all of these, the earliest
// are said to have come back; their number is right.

// matchReturnsLocked finds the publishes that were returned.
func (l *lane) matchReturnsLocked() {
	for {
		select {
		case r, ok := <-l.returns:
			if !ok {
				return // the channel is closed
			}
			l.matchLocked(&r)
		default:
			return
		}
	}
}

func (l *lane) matchLocked(r *amqp.Return) {
	print := fingerprint(&amqp.Publishing{
		Headers: r.Headers, ContentType: r.ContentType, ContentEncoding: r.ContentEncoding, DeliveryMode: r.DeliveryMode,
		Priority: r.Priority, CorrelationId: r.CorrelationId, ReplyTo: r.ReplyTo, Expiration: r.Expiration, MessageId: r.MessageId,
		Timestamp: r.Timestamp, Type: r.Type, UserId: r.UserId, AppId: r.AppId, Body: r.Body,
	})
	var similar *flight
	for i := range l.flights.len() {
		f := l.flights.at(i)
		if f.p == nil || !f.p.Mandatory || f.back != nil || f.key != r.RoutingKey || f.p.Exchange != r.Exchange {
			continue
		}
		if f.print == print {
			f.back = r
			return
		}
		if similar == nil {
			similar = f
		}
	}
	// RabbitMQ or amqp091-go changed the message on its way, which neither
	// should. A message that came back must not count as taken.
	if similar != nil {
		similar.back = r
	}
}

var seed = maphash.MakeSeed()

// fingerprint is a hash of what comes back with a returned message. It leaves
// out the header BCC, which RabbitMQ removes.
func fingerprint(p *amqp.Publishing) uint64 {
	var h maphash.Hash
	h.SetSeed(seed)
	for _, s := range [...]string{p.ContentType, p.ContentEncoding, p.CorrelationId, p.ReplyTo, p.Expiration, p.MessageId, p.Type, p.UserId, p.AppId} {
		writeString(&h, s)
	}
	h.WriteByte(p.DeliveryMode)
	h.WriteByte(p.Priority)
	if !p.Timestamp.IsZero() {
		writeInt(&h, uint64(p.Timestamp.Unix()))
	}
	h.Write(p.Body)
	return h.Sum64() + hashTable(p.Headers)
}

func writeString(h *maphash.Hash, s string) {
	writeInt(h, uint64(len(s)))
	h.WriteString(s)
}

func writeInt(h *maphash.Hash, n uint64) {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], n)
	h.Write(b[:])
}

// hashTable doesn't depend on the order of the entries.
func hashTable(t amqp.Table) (sum uint64) {
	for k, v := range t {
		if k == "BCC" {
			continue
		}
		var h maphash.Hash
		h.SetSeed(seed)
		writeString(&h, k)
		hashValue(&h, v)
		sum += h.Sum64()
	}
	return sum
}

// hashValue hashes a value with its type.
func hashValue(h *maphash.Hash, v any) {
	kind := func(k byte) { h.WriteByte(k) }
	switch v := v.(type) {
	case nil:
		kind('V')
	case bool:
		kind('t')
		if v {
			h.WriteByte(1)
		}
	case int8:
		kind('b')
		writeInt(h, uint64(v))
	case int16:
		kind('s')
		writeInt(h, uint64(v))
	case int32:
		kind('I')
		writeInt(h, uint64(v))
	case int64:
		kind('l')
		writeInt(h, uint64(v))
	case uint8:
		kind('B')
		writeInt(h, uint64(v))
	case uint16:
		kind('u')
		writeInt(h, uint64(v))
	case uint32:
		kind('i')
		writeInt(h, uint64(v))
	case float32:
		kind('f')
		writeInt(h, uint64(math.Float32bits(v)))
	case float64:
		kind('d')
		writeInt(h, math.Float64bits(v))
	case amqp.Decimal:
		kind('D')
		writeInt(h, uint64(v.Scale)<<32|uint64(uint32(v.Value)))
	case time.Time:
		kind('T')
		writeInt(h, uint64(v.Unix()))
	case string:
		kind('S')
		writeString(h, v)
	case []byte:
		kind('x')
		writeString(h, string(v))
	case []any:
		kind('A')
		writeInt(h, uint64(len(v)))
		for _, e := range v {
			hashValue(h, e)
		}
	case amqp.Table:
		kind('F')
		writeInt(h, hashTable(v))
	}
}
