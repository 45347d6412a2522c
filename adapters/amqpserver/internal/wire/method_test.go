package wire

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/gobindery/bindery/pubsub"
)

// allKinds has a value of each type that a table may hold.
func allKinds() pubsub.Table {
	return pubsub.Table{
		"void": nil, "bool": true, "false": false,
		"int8": int8(-8), "int16": int16(-16), "int32": int32(-32), "int64": int64(-64),
		"uint8": uint8(8), "uint16": uint16(16), "uint32": uint32(32),
		"float32": float32(1.5), "float64": 2.5,
		"decimal": pubsub.Decimal{Scale: 2, Value: -314},
		"string":  "s", "bytes": []byte{0, 1},
		"time":  time.Unix(1_700_000_000, 0).UTC(),
		"list":  []any{int32(1), "two", []any{}, pubsub.Table{}},
		"table": pubsub.Table{"a": pubsub.Table{"b": []any{nil}}},
	}
}

// fill sets every field of a struct to something.
func fill(v reflect.Value, r *rand.Rand) {
	for i := range v.NumField() {
		f := v.Field(i)
		switch f.Kind() {
		case reflect.Bool:
			f.SetBool(r.IntN(2) == 1)
		case reflect.String:
			f.SetString("é" + string(rune('a'+r.IntN(26))))
		case reflect.Uint8:
			f.SetUint(r.Uint64() & 0xff)
		case reflect.Uint16:
			f.SetUint(r.Uint64() & 0xffff)
		case reflect.Uint32:
			f.SetUint(r.Uint64() & 0xffffffff)
		case reflect.Uint64:
			f.SetUint(r.Uint64())
		default:
			f.Set(reflect.ValueOf(allKinds()))
		}
	}
}

// Every method that is written is read as it was, and nothing shorter or longer is.
func TestMethods(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for id, name := range names {
		for range 20 {
			m := newMethod(id[0], id[1])
			if m == nil {
				t.Fatalf("%s has a name but no method", name)
			}
			fill(reflect.ValueOf(m).Elem(), r)
			if class, method := m.ID(); class != id[0] || method != id[1] || Name(m) != name {
				t.Fatalf("%s has numbers %d and %d, and the name %s", name, class, method, Name(m))
			}
			frame := AppendMethod(nil, 7, m)
			f, err := NewReader(bytes.NewReader(frame), FrameMin).Next()
			if err != nil || f.Type != FrameMethod || f.Channel != 7 {
				t.Fatalf("%s: frame %+v, %v", name, f, err)
			}
			got, err := DecodeMethod(f.Payload)
			if err != nil || !reflect.DeepEqual(got, m) {
				t.Fatalf("%s: got %+v, %v; want %+v", name, got, err, m)
			}
			for cut := 4; cut < len(f.Payload); cut++ {
				if got, err := DecodeMethod(f.Payload[:cut]); err == nil {
					t.Fatalf("%s: %d of %d bytes are read as %+v", name, cut, len(f.Payload), got)
				}
			}
			if got, err := DecodeMethod(append(bytes.Clone(f.Payload), 0)); err == nil {
				t.Fatalf("%s: with one more byte it is read as %+v", name, got)
			}
		}
	}
}

// Content of any length comes back from its frames, none of which is too large.
func TestContent(t *testing.T) {
	all := Properties{
		Given: 0xfffc, ContentType: "a", ContentEncoding: "b", Headers: allKinds(), DeliveryMode: 2, Priority: 9, CorrelationID: "c", ReplyTo: "d",
		Expiration: "60", MessageID: "e", Timestamp: time.Unix(1_700_000_000, 0).UTC(), Type: "f", UserID: "g", AppID: "h", ClusterID: "i",
	}
	for _, p := range []Properties{{}, all, {Given: GivenPriority}, {Given: GivenAppID, AppID: "x"}} {
		for _, size := range []int{0, 1, FrameMin - 9, FrameMin - 8, FrameMin - 7, 3 * FrameMin} {
			body := bytes.Repeat([]byte("b"), size)
			m := &BasicDeliver{ConsumerTag: "tag", DeliveryTag: 1, Exchange: "e", RoutingKey: "k"}
			r := NewReader(bytes.NewReader(AppendContent(nil, 1, FrameMin, m, &p, body)), FrameMin)
			if f, err := r.Next(); err != nil || f.Type != FrameMethod {
				t.Fatal(f, err)
			}
			f, err := r.Next()
			if err != nil || f.Type != FrameHeader {
				t.Fatal(f, err)
			}
			h, err := DecodeHeader(f.Payload, m)
			if err != nil || h.Size != uint64(size) || !reflect.DeepEqual(h.Properties, p) {
				t.Fatalf("got %+v, %v; want %+v", h, err, p)
			}
			var got []byte
			for len(got) < size {
				f, err := r.Next()
				if err != nil || f.Type != FrameBody {
					t.Fatal(f, err)
				}
				got = append(got, f.Payload...)
			}
			if !bytes.Equal(got, body) {
				t.Fatalf("a body of %d bytes came back as one of %d", size, len(got))
			}
		}
	}
}
