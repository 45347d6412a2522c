package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/gobindery/bindery/pubsub"
)

// codec reads or writes fields one after another, so that one description of
// a method serves both ways. After an error it does nothing more.
type codec struct {
	buf     []byte // what is left to read, or was written
	writing bool
	err     error
}

var (
	errTruncated = errors.New("it ends too early")
	errTrailing  = errors.New("bytes are left over")
	errUTF8      = errors.New("malformed UTF-8 in a short string")
)

// take returns the next n bytes to read.
func (c *codec) take(n int) []byte {
	if c.err != nil || n < 0 || n > len(c.buf) {
		c.fail(errTruncated)
		return nil
	}
	b := c.buf[:n:n]
	c.buf = c.buf[n:]
	return b
}

func (c *codec) fail(err error) {
	if c.err == nil {
		c.err = err
	}
}

func (c *codec) octet(v *uint8) {
	if c.writing {
		c.buf = append(c.buf, *v)
	} else if b := c.take(1); b != nil {
		*v = b[0]
	}
}

func (c *codec) short(v *uint16) {
	if c.writing {
		c.buf = binary.BigEndian.AppendUint16(c.buf, *v)
	} else if b := c.take(2); b != nil {
		*v = binary.BigEndian.Uint16(b)
	}
}

func (c *codec) long(v *uint32) {
	if c.writing {
		c.buf = binary.BigEndian.AppendUint32(c.buf, *v)
	} else if b := c.take(4); b != nil {
		*v = binary.BigEndian.Uint32(b)
	}
}

func (c *codec) longlong(v *uint64) {
	if c.writing {
		c.buf = binary.BigEndian.AppendUint64(c.buf, *v)
	} else if b := c.take(8); b != nil {
		*v = binary.BigEndian.Uint64(b)
	}
}

// ticket is the reserved field that many methods begin with.
func (c *codec) ticket() {
	var zero uint16
	c.short(&zero)
}

// reserved is a short string without a meaning.
func (c *codec) reserved() {
	var empty string
	c.shortstr(&empty)
}

// reservedLong is a long string without a meaning.
func (c *codec) reservedLong() {
	var empty string
	c.longstr(&empty)
}

// maxShortstr is how many bytes a short string can have.
const maxShortstr = 255

// shortstr is a string of up to 255 bytes. A longer one is cut when written,
// at a character: only the texts of errors may be that long.
func (c *codec) shortstr(v *string) {
	if c.writing {
		s := *v
		if len(s) > maxShortstr {
			s = s[:maxShortstr]
			for len(s) > 0 && !utf8.ValidString(s) {
				s = s[:len(s)-1]
			}
		}
		c.buf = append(c.buf, byte(len(s)))
		c.buf = append(c.buf, s...)
		return
	}
	var n uint8
	c.octet(&n)
	b := c.take(int(n))
	if !utf8.Valid(b) {
		c.fail(errUTF8)
		return
	}
	*v = string(b)
}

func (c *codec) longstr(v *string) {
	if c.writing {
		c.buf = binary.BigEndian.AppendUint32(c.buf, uint32(len(*v)))
		c.buf = append(c.buf, *v...)
		return
	}
	var n uint32
	c.long(&n)
	*v = string(c.take(int(n)))
}

// bits are up to eight booleans in one octet, the first in the lowest bit.
func (c *codec) bits(bits ...*bool) {
	var b uint8
	if c.writing {
		for i, v := range bits {
			if *v {
				b |= 1 << i
			}
		}
	}
	c.octet(&b)
	if !c.writing {
		for i, v := range bits {
			*v = b>>i&1 == 1
		}
	}
}

func (c *codec) table(v *pubsub.Table) {
	if c.writing {
		c.buf = appendTable(c.buf, *v)
	} else {
		*v = c.readTable(0)
	}
}

// DecodeMethod reads the payload of a method frame. An error is an [*Error].
func DecodeMethod(payload []byte) (Method, error) {
	if len(payload) < 4 {
		return nil, Errorf(FrameError, "type 1, all octets = %s: unknown_frame", octets(payload))
	}
	class, method := binary.BigEndian.Uint16(payload), binary.BigEndian.Uint16(payload[2:])
	m := newMethod(class, method)
	if m == nil {
		return nil, &Error{Code: CommandInvalid, Text: "COMMAND_INVALID - unimplemented method", Class: class, Method: method}
	}
	c := codec{buf: payload[4:]}
	m.fields(&c)
	if c.err == nil && len(c.buf) > 0 {
		c.err = errTrailing
	}
	switch {
	case c.err == nil:
		return m, nil
	case errors.Is(c.err, errUTF8):
		return nil, Errorf(FrameError, "Malformed UTF-8 in shortstr")
	case errors.Is(c.err, errTruncated), errors.Is(c.err, errTrailing):
		return nil, Errorf(FrameError, "cannot decode %s", octets(payload[4:])).Of(m)
	}
	return nil, Errorf(FrameError, "cannot decode %s: %v", octets(payload[4:]), c.err).Of(m)
}

// AppendMethod appends a whole method frame.
func AppendMethod(dst []byte, channel uint16, m Method) []byte {
	start := len(dst)
	class, method := m.ID()
	c := codec{buf: openFrame(dst, FrameMethod, channel), writing: true}
	c.short(&class)
	c.short(&method)
	m.fields(&c)
	return closeFrame(c.buf, start)
}

// Name returns a method's name as the specification has it: "queue.declare".
func Name(m Method) string {
	class, method := m.ID()
	if n, ok := names[[2]uint16{class, method}]; ok {
		return n
	}
	return fmt.Sprintf("%d.%d", class, method)
}
