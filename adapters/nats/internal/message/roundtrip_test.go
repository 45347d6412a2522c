package message

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/gobindery/bindery/adapters/nats/natstest"
	"github.com/gobindery/bindery/pubsub"
)

// there is p as it arrives.
func there(t *testing.T, p *pubsub.Publication) *pubsub.Publication {
	t.Helper()
	h := nats.Header{}
	Encode(h, p)
	for _, c := range []byte(h.Get(Header)) {
		if c <= ' ' || c > '~' {
			t.Fatalf("%+v has the byte %#x in the header %q", p.Envelope, c, h.Get(Header))
		}
	}
	got, err := Decode(h, "subject", p.Body)
	if err != nil {
		t.Fatalf("%q: %v", h.Get(Header), err)
	}
	return got
}

// checkSame checks that messages are identical: in types, in what is nil, and in
// the bits of floats, which only the written form tells.
func checkSame(t *testing.T, got, want *pubsub.Publication) {
	t.Helper()
	if !reflect.DeepEqual(got.Envelope, want.Envelope) || !slices.Equal(got.MoreKeys, want.MoreKeys) || written(got) != written(want) {
		t.Fatalf("came as\n%#v %q\n%s\nwant\n%#v %q\n%s", got.Envelope, got.MoreKeys, written(got), want.Envelope, want.MoreKeys, written(want))
	}
}

func TestRandomMessagesArriveAsTheyWere(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := random{rand.New(rand.NewPCG(seed, 0))}
	for range 5000 {
		p := r.publication()
		before := p.Headers.Clone()
		got := there(t, p)
		if !p.Headers.Equal(before) {
			t.Fatalf("Encode made %v of the headers %v", p.Headers, before)
		}
		if p.Headers != nil {
			p.Headers = p.Headers.Clone()
			delete(p.Headers, "BCC")
		}
		checkSame(t, got, p)
	}
}

func TestMoreKeys(t *testing.T) {
	cc, bcc := []any{"c1", int32(1), "c2"}, []any{"b1", "b&=2"}
	for what, c := range map[string]struct {
		headers pubsub.Table
		keys    []string
		want    string
	}{
		"CC":         {pubsub.Table{"CC": cc}, []string{"c1", "c2"}, "x=x&k=k&h.CC=[c1,i32:1,c2]"},
		"BCC":        {pubsub.Table{"BCC": bcc}, []string{"b1", "b&=2"}, "x=x&k=k&bcc=b1&bcc=b%26%3D2&h="},
		"both":       {pubsub.Table{"CC": cc, "BCC": bcc}, []string{"c1", "c2", "b1", "b&=2"}, "x=x&k=k&bcc=b1&bcc=b%26%3D2&h.CC=[c1,i32:1,c2]"},
		"BCC before": {pubsub.Table{"n": nil}, []string{"b1", ""}, "x=x&k=k&bcc=b1&bcc=&h.n=nil:"},
		"none in CC": {pubsub.Table{"CC": []any{}}, nil, "x=x&k=k&h.CC=[]"},
	} {
		p := publication(c.headers)
		p.MoreKeys = c.keys
		if got := written(p); got != c.want {
			t.Errorf("%s: written\n%s; want\n%s", what, got, c.want)
		}
		got := there(t, p)
		if !slices.Equal(got.MoreKeys, c.keys) {
			t.Errorf("%s: the keys came as %q; want %q", what, got.MoreKeys, c.keys)
		}
		if _, ok := got.Headers["BCC"]; ok {
			t.Errorf("%s: the header BCC came", what)
		}
		// What a queue got may be dead-lettered, and again.
		checkSame(t, there(t, got), got)
	}
}

func TestMandatoryIsNotSent(t *testing.T) {
	p := publication(nil)
	p.Mandatory = true
	if got := there(t, p); got.Mandatory {
		t.Error("a message that arrives is mandatory")
	}
}

func TestNATSKeepsTheHeader(t *testing.T) {
	c, err := nats.Connect(natstest.RunServer(t).URL())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	sub, err := c.SubscribeSync("messages")
	if err != nil {
		t.Fatal(err)
	}
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	hard := publication(pubsub.Table{string(all): string(all), " ": "\r\n", "": []any{all, "", " end "}})
	hard.Exchange, hard.RoutingKey, hard.AppID = " ", string(all), " \t"
	for _, p := range []*pubsub.Publication{{}, publication(nil), hard} {
		m := nats.NewMsg("messages")
		Encode(m.Header, p)
		if err := c.PublishMsg(m); err != nil {
			t.Fatal(err)
		}
		came, err := sub.NextMsgWithContext(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(came.Header, m.Header) {
			t.Fatalf("the header came as %q; want %q", came.Header, m.Header)
		}
		got, err := Decode(came.Header, came.Subject, nil)
		if err != nil {
			t.Fatal(err)
		}
		checkSame(t, got, p)
	}
}

// random makes messages as a Broker lets them through, and worse: texts of any
// bytes, times far away.
type random struct{ *rand.Rand }

func (r random) publication() *pubsub.Publication {
	p := &pubsub.Publication{Envelope: pubsub.Envelope{Exchange: r.text(), RoutingKey: r.text()}}
	m := &p.Message
	if r.IntN(4) > 0 {
		m.Body = []byte(r.text())
	}
	for _, s := range []*string{&m.ContentType, &m.ContentEncoding, &m.CorrelationID, &m.ReplyTo, &m.MessageID, &m.Type, &m.UserID, &m.AppID} {
		if r.IntN(3) == 0 {
			*s = r.text()
		}
	}
	m.DeliveryMode = pubsub.DeliveryMode(r.IntN(3))
	if r.IntN(3) == 0 {
		m.Priority = uint8(r.Uint32())
		m.Given = pubsub.PropertyFlags(r.Uint32())
	}
	if r.IntN(3) == 0 {
		m.Expiration = new(time.Duration(r.Int64N(315_360_000_000)) * time.Millisecond)
	}
	if r.IntN(3) == 0 {
		m.Timestamp = r.time()
	}
	if r.IntN(3) > 0 {
		m.Headers = r.table(3)
	}
	for _, name := range []string{headerCC, headerBCC} {
		if m.Headers == nil {
			break
		}
		delete(m.Headers, name)
		if r.IntN(4) > 0 {
			continue
		}
		list := []any{}
		for range r.IntN(4) {
			list = append(list, r.value(1), r.text())
		}
		m.Headers[name] = list
		for _, v := range list {
			if key, ok := v.(string); ok {
				p.MoreKeys = append(p.MoreKeys, key)
			}
		}
	}
	return p
}

func (r random) table(depth int) pubsub.Table {
	t := pubsub.Table{}
	for range r.IntN(5) {
		t[r.text()] = r.value(depth)
	}
	return t
}

// value is one of any type. What holds others comes at most depth times within
// another.
func (r random) value(depth int) any {
	n := r.Uint64()
	switch kinds := 16; r.IntN(kinds) {
	case 0:
		return nil
	case 1:
		return n&1 == 0
	case 2:
		return int8(n)
	case 3:
		return int16(n)
	case 4:
		return int32(n)
	case 5:
		return int64(n)
	case 6:
		return uint8(n)
	case 7:
		return uint16(n)
	case 8:
		return uint32(n)
	case 9:
		f := math.Float32frombits(uint32(n))
		if f != f || math.IsInf(float64(f), 0) {
			return float32(math.Copysign(0, -1))
		}
		return f
	case 10:
		f := math.Float64frombits(n)
		if f != f || math.IsInf(f, 0) {
			return math.Copysign(0, -1)
		}
		return f
	case 11:
		return pubsub.Decimal{Scale: uint8(n), Value: int32(n >> 8)}
	case 12:
		return []byte(r.text())
	case 13:
		return r.time()
	case 14:
		if depth > 0 {
			return r.table(depth - 1)
		}
	case 15:
		if depth > 0 {
			list := []any{}
			for range r.IntN(5) {
				list = append(list, r.value(depth-1))
			}
			return list
		}
	}
	return r.text()
}

// time is in whole seconds, as a field of AMQP has it: any 64 bits.
func (r random) time() time.Time {
	if r.IntN(2) == 0 {
		return time.Unix(r.Int64N(4_000_000_000), 0).UTC()
	}
	return time.Unix(int64(r.Uint64()), 0).UTC()
}

// text is a word, what looks like the form, or any bytes.
func (r random) text() string {
	switch r.IntN(5) {
	case 0:
		return ""
	case 1:
		return []string{"logs", "kern.critical", "text/plain", "CC/BCC", "h.n", "ünïcödé"}[r.IntN(6)]
	case 2:
		return []string{"i32:5", "nil:", "str:", "[a]", "{a=b}", "a&b=c", "%", "%41", "a,b", "]", " ", "\r\n", "a b ", "\x00"}[r.IntN(14)]
	case 3:
		return fmt.Sprint(r.Int64())
	}
	b := make([]byte, r.IntN(20))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return string(b)
}
