package wire

import (
	"encoding/binary"
	"time"

	"github.com/gobindery/bindery/pubsub"
)

// The bits of [Properties.Given], by the specification's order.
const (
	GivenContentType uint16 = 1 << (15 - iota)
	GivenContentEncoding
	GivenHeaders
	GivenDeliveryMode
	GivenPriority
	GivenCorrelationID
	GivenReplyTo
	GivenExpiration
	GivenMessageID
	GivenTimestamp
	GivenType
	GivenUserID
	GivenAppID
	GivenClusterID
)

// Properties are those of a message.
// See the AMQP 0-9-1 specification, class basic.
type Properties struct {
	Given           uint16 // which ones are there
	ContentType     string
	ContentEncoding string
	Headers         pubsub.Table
	DeliveryMode    uint8
	Priority        uint8
	CorrelationID   string
	ReplyTo         string
	Expiration      string
	MessageID       string
	Timestamp       time.Time // whole seconds, UTC
	Type            string
	UserID          string
	AppID           string
	ClusterID       string
}

func (p *Properties) fields(c *codec) {
	given := func(bit uint16) bool { return p.Given&bit != 0 }
	str := func(bit uint16, s *string) {
		if given(bit) {
			c.shortstr(s)
		}
	}
	str(GivenContentType, &p.ContentType)
	str(GivenContentEncoding, &p.ContentEncoding)
	if given(GivenHeaders) {
		c.table(&p.Headers)
	}
	if given(GivenDeliveryMode) {
		c.octet(&p.DeliveryMode)
	}
	if given(GivenPriority) {
		c.octet(&p.Priority)
	}
	str(GivenCorrelationID, &p.CorrelationID)
	str(GivenReplyTo, &p.ReplyTo)
	str(GivenExpiration, &p.Expiration)
	str(GivenMessageID, &p.MessageID)
	if given(GivenTimestamp) {
		p.timestamp(c)
	}
	str(GivenType, &p.Type)
	str(GivenUserID, &p.UserID)
	str(GivenAppID, &p.AppID)
	str(GivenClusterID, &p.ClusterID)
}

func (p *Properties) timestamp(c *codec) {
	if c.writing {
		c.buf = binary.BigEndian.AppendUint64(c.buf, uint64(p.Timestamp.Unix()))
	} else if t, ok := c.number('T').(time.Time); ok {
		p.Timestamp = t
	}
}

// Header is a content header: what stands between a method and its body.
type Header struct {
	Class uint16
	Size  uint64 // of the body, in bytes
	Properties
}

// DecodeHeader reads the payload of a header frame that follows a method of
// class basic, m. An error is an [*Error].
func DecodeHeader(payload []byte, m Method) (Header, error) {
	var h Header
	var weight uint16
	c := codec{buf: payload}
	c.short(&h.Class)
	c.short(&weight)
	c.longlong(&h.Size)
	class, _ := m.ID()
	switch {
	case c.err != nil || weight != 0:
		return h, Errorf(UnexpectedFrame, "expected content header for class %d, got non content header frame instead", class).Of(m)
	case h.Class != class:
		return h, Errorf(UnexpectedFrame, "expected content header for class %d, got one for class %d instead", class, h.Class).Of(m)
	}
	c.short(&h.Given)
	if h.Given&1 != 0 { // the bit that says that more flags follow
		return h, Errorf(SyntaxError, "there are no more than 14 properties").Of(m)
	}
	h.Given &^= 2 // means nothing, and RabbitMQ passes over it
	h.fields(&c)
	if c.err == nil && len(c.buf) > 0 {
		c.err = errTrailing
	}
	if c.err != nil {
		return h, Errorf(SyntaxError, "the message's properties can't be read: %v", c.err).Of(m)
	}
	return h, nil
}

// AppendContent appends a method with its content: a method frame, a header
// frame, and as many body frames as frameMax asks for.
func AppendContent(dst []byte, channel uint16, frameMax uint32, m Method, p *Properties, body []byte) []byte {
	dst = AppendContentHeader(dst, channel, m, p, len(body))
	return AppendBody(dst, channel, frameMax, body)
}

// AppendContentHeader appends a method frame and the header frame of a content
// whose body has size bytes.
func AppendContentHeader(dst []byte, channel uint16, m Method, p *Properties, size int) []byte {
	dst = AppendMethod(dst, channel, m)
	start := len(dst)
	class, _ := m.ID()
	bodySize := uint64(size)
	c := codec{buf: openFrame(dst, FrameHeader, channel), writing: true}
	c.short(&class)
	c.ticket() // the weight, always zero
	c.longlong(&bodySize)
	c.short(&p.Given)
	p.fields(&c)
	return closeFrame(c.buf, start)
}

// AppendBody appends the body frames of a content, or of a part of it.
func AppendBody(dst []byte, channel uint16, frameMax uint32, body []byte) []byte {
	for most := int(frameMax - FrameOverhead); len(body) > 0; {
		n := min(most, len(body))
		start := len(dst)
		dst = append(openFrame(dst, FrameBody, channel), body[:n]...)
		dst = closeFrame(dst, start)
		body = body[n:]
	}
	return dst
}
