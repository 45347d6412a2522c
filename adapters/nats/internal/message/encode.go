package message

import (
	"maps"
	"slices"
	"strconv"

	"github.com/nats-io/nats.go"

	"github.com/gobindery/bindery/pubsub"
)

// Encode puts what p is besides its body into h, in the header [Header]. It
// leaves out whether p is mandatory, and the header BCC; of p.MoreKeys it takes
// those that come after the keys of the header CC. It changes nothing in p, and
// keeps nothing of it. h must not be nil. p is as a Broker makes it: a header of
// a type that no pubsub.Table may hold becomes nil.
func Encode(h nats.Header, p *pubsub.Publication) {
	var space [256]byte // most are shorter
	b := append(space[:0], "x="...)
	b = appendText(b, p.Exchange)
	b = append(b, "&k="...)
	b = appendText(b, p.RoutingKey)
	b = appendProperties(b, &p.Message)
	if cc := len(carbonCopies(p.Headers)); len(p.MoreKeys) > cc {
		for _, key := range p.MoreKeys[cc:] {
			b = appendText(append(b, "&bcc="...), key)
		}
	}
	b = appendHeaders(b, p.Headers)
	h.Set(Header, string(b))
}

func appendProperties(b []byte, m *pubsub.Message) []byte {
	b = appendString(b, "&ct=", m.ContentType)
	b = appendString(b, "&ce=", m.ContentEncoding)
	b = appendUint(b, "&dm=", uint64(m.DeliveryMode))
	b = appendUint(b, "&pri=", uint64(m.Priority))
	b = appendString(b, "&cid=", m.CorrelationID)
	b = appendString(b, "&reply=", m.ReplyTo)
	if m.Expiration != nil {
		b = strconv.AppendInt(append(b, "&exp="...), m.Expiration.Milliseconds(), 10)
	}
	b = appendString(b, "&id=", m.MessageID)
	if !m.Timestamp.IsZero() {
		b = strconv.AppendInt(append(b, "&ts="...), m.Timestamp.Unix(), 10)
	}
	b = appendString(b, "&type=", m.Type)
	b = appendString(b, "&uid=", m.UserID)
	b = appendString(b, "&app=", m.AppID)
	return appendUint(b, "&given=", uint64(m.Given))
}

// appendString appends a property that is there unless it is empty.
func appendString(b []byte, name, s string) []byte {
	if s == "" {
		return b
	}
	return appendText(append(b, name...), s)
}

// appendUint appends a property that is there unless it is zero.
func appendUint(b []byte, name string, n uint64) []byte {
	if n == 0 {
		return b
	}
	return strconv.AppendUint(append(b, name...), n, 10)
}

func appendHeaders(b []byte, headers pubsub.Table) []byte {
	if headers == nil {
		return b
	}
	there := false
	for _, name := range names(headers) {
		if name == headerBCC {
			continue
		}
		there = true
		b = appendText(append(b, "&h."...), name)
		b = appendValue(append(b, '='), headers[name])
	}
	if !there {
		b = append(b, "&h="...)
	}
	return b
}

// names returns the names in a table, sorted: equal messages look alike.
func names(t pubsub.Table) []string {
	sorted := slices.AppendSeq(make([]string, 0, len(t)), maps.Keys(t))
	slices.Sort(sorted)
	return sorted
}
