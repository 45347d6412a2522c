package wire

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/gobindery/bindery/pubsub"
)

// Tables that go beyond these are refused: RabbitMQ takes them, but its Go
// client ends a connection over a message that has one.
const (
	maxNesting = 32   // tables and lists inside one another, below the outermost table
	maxEntries = 8192 // of one table or list
)

// within returns a codec for what stands within a table or list.
func (c *codec) within() codec {
	var n uint32
	c.long(&n)
	b := c.take(int(n))
	return codec{buf: b, err: c.err}
}

// readTable reads a field table.
// See https://www.rabbitmq.com/amqp-0-9-1-errata#section_3.
func (c *codec) readTable(depth int) pubsub.Table {
	in := c.within()
	t := pubsub.Table{}
	for in.err == nil && len(in.buf) > 0 {
		var name string
		in.shortstr(&name)
		v := in.value(depth)
		if len(t) >= maxEntries {
			in.fail(fmt.Errorf("a table has more than %d entries", maxEntries))
		}
		t[name] = v
	}
	if c.err == nil {
		c.err = in.err
	}
	return t
}

func (c *codec) readList(depth int) []any {
	in := c.within()
	list := []any{}
	for in.err == nil && len(in.buf) > 0 {
		if len(list) >= maxEntries {
			in.fail(fmt.Errorf("a list has more than %d entries", maxEntries))
		}
		list = append(list, in.value(depth))
	}
	if c.err == nil {
		c.err = in.err
	}
	return list
}

// value reads one value with its type.
func (c *codec) value(depth int) any {
	if depth > maxNesting {
		c.fail(fmt.Errorf("tables nest more than %d deep", maxNesting))
		return nil
	}
	var typ uint8
	c.octet(&typ)
	if c.err != nil {
		return nil
	}
	switch typ {
	case 'F':
		return c.readTable(depth + 1)
	case 'A':
		return c.readList(depth + 1)
	case 'S':
		var s string
		c.longstr(&s)
		return s
	case 'x':
		var n uint32
		c.long(&n)
		return slices.Clone(c.take(int(n)))
	case 'V':
		return nil
	case 'D':
		var d pubsub.Decimal
		var v uint32
		c.octet(&d.Scale)
		c.long(&v)
		d.Value = int32(v)
		return d
	}
	return c.number(typ)
}

// number reads a value of a fixed size.
func (c *codec) number(typ uint8) any {
	var n8 uint8
	var n16 uint16
	var n32 uint32
	var n64 uint64
	switch typ {
	case 't', 'b', 'B':
		c.octet(&n8)
	case 's', 'u':
		c.short(&n16)
	case 'I', 'i', 'f':
		c.long(&n32)
	case 'l', 'L', 'd', 'T':
		c.longlong(&n64)
	}
	switch typ {
	case 't':
		return n8 != 0
	case 'b':
		return int8(n8)
	case 'B':
		return n8
	case 's':
		return int16(n16)
	case 'u':
		return n16
	case 'I':
		return int32(n32)
	case 'i':
		return n32
	case 'f':
		return c.finite(float64(math.Float32frombits(n32)), math.Float32frombits(n32))
	case 'd':
		return c.finite(math.Float64frombits(n64), math.Float64frombits(n64))
	case 'l':
		return int64(n64)
	case 'L':
		if n64 > math.MaxInt64 {
			c.fail(fmt.Errorf("an integer of type L is beyond %d", math.MaxInt64))
		}
		return int64(n64)
	case 'T':
		return time.Unix(int64(n64), 0).UTC()
	}
	c.fail(fmt.Errorf("unknown field type %q", rune(typ)))
	return nil
}

// finite refuses what no receiver could compare or, in Erlang, hold.
func (c *codec) finite(f float64, v any) any {
	if math.IsInf(f, 0) || math.IsNaN(f) {
		c.fail(fmt.Errorf("%v is no finite number", f))
	}
	return v
}

// appendTable appends a field table, its names sorted.
func appendTable(dst []byte, t pubsub.Table) []byte {
	start := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	if len(t) == 1 {
		for name, v := range t {
			dst = appendEntry(dst, name, v)
		}
	} else {
		for _, name := range slices.Sorted(maps.Keys(t)) {
			dst = appendEntry(dst, name, t[name])
		}
	}
	binary.BigEndian.PutUint32(dst[start:], uint32(len(dst)-start-4))
	return dst
}

func appendEntry(dst []byte, name string, v any) []byte {
	c := codec{buf: dst, writing: true}
	c.shortstr(&name)
	return appendValue(c.buf, v)
}

// appendValue appends a value with its type. A value of a type that no
// [pubsub.Table] may hold is a bug of the adapter, and becomes void.
func appendValue(dst []byte, v any) []byte {
	be := binary.BigEndian
	switch v := v.(type) {
	case bool:
		if v {
			return append(dst, 't', 1)
		}
		return append(dst, 't', 0)
	case int8:
		return append(dst, 'b', byte(v))
	case uint8:
		return append(dst, 'B', v)
	case int16:
		return be.AppendUint16(append(dst, 's'), uint16(v))
	case uint16:
		return be.AppendUint16(append(dst, 'u'), v)
	case int32:
		return be.AppendUint32(append(dst, 'I'), uint32(v))
	case uint32:
		return be.AppendUint32(append(dst, 'i'), v)
	case int64:
		return be.AppendUint64(append(dst, 'l'), uint64(v))
	case float32:
		return be.AppendUint32(append(dst, 'f'), math.Float32bits(v))
	case float64:
		return be.AppendUint64(append(dst, 'd'), math.Float64bits(v))
	case time.Time:
		return be.AppendUint64(append(dst, 'T'), uint64(v.Unix()))
	case pubsub.Decimal:
		return be.AppendUint32(append(dst, 'D', v.Scale), uint32(v.Value))
	case string:
		return append(be.AppendUint32(append(dst, 'S'), uint32(len(v))), v...)
	case []byte:
		return append(be.AppendUint32(append(dst, 'x'), uint32(len(v))), v...)
	case pubsub.Table:
		return appendTable(append(dst, 'F'), v)
	case []any:
		dst = append(dst, 'A', 0, 0, 0, 0)
		start := len(dst)
		for _, e := range v {
			dst = appendValue(dst, e)
		}
		be.PutUint32(dst[start-4:], uint32(len(dst)-start))
		return dst
	}
	return append(dst, 'V')
}

// DecodeTable reads the entries of a table that come without its length, as
// in the response of AMQPLAIN.
func DecodeTable(b []byte) (pubsub.Table, error) {
	c := codec{buf: binary.BigEndian.AppendUint32(nil, uint32(len(b)))}
	c.buf = append(c.buf, b...)
	t := c.readTable(0)
	return t, c.err
}
