package nats

import (
	"strconv"

	"github.com/nats-io/nats.go"

	"github.com/gobindery/bindery/adapters/nats/internal/message"
	"github.com/gobindery/bindery/pubsub"
)

// longHeader says how many bytes of the payload are the message's header, where that
// is longer than JetStream takes headers, 64 KiB. The body follows.
const longHeader = "Bindery-Long"

// mostHeader is how long a header may be to go as one.
const mostHeader = 32 << 10

// encode returns a publication's header and payload. The payload is a copy.
func encode(p *pubsub.Publication) (header string, payload []byte) {
	h := make(nats.Header, 1)
	message.Encode(h, p)
	header = h[message.Header][0]
	if len(header) > mostHeader {
		payload = make([]byte, 0, len(header)+len(p.Body))
		payload = append(payload, header...)
	} else {
		payload = make([]byte, 0, len(p.Body))
	}
	return header, append(payload, p.Body...)
}

// setHeader puts a header of encode where it belongs. The space becomes part of h.
func setHeader(h nats.Header, header string, space *[1]string) {
	if len(header) > mostHeader {
		space[0] = strconv.Itoa(len(header))
		h[longHeader] = space[:]
		return
	}
	space[0] = header
	h[message.Header] = space[:]
}

// decode reads a message. It may change its headers.
func decode(m *nats.Msg) (*pubsub.Publication, error) {
	body := m.Data
	if long := m.Header[longHeader]; len(long) == 1 {
		if n, err := strconv.Atoi(long[0]); err == nil && n >= 0 && n <= len(body) {
			m.Header[message.Header] = []string{string(body[:n])}
			body = body[n:]
		}
	}
	return message.Decode(m.Header, m.Subject, body)
}
