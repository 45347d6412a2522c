package wire

import (
	"bytes"
	"strings"
	"testing"

	"github.com/gobindery/bindery/pubsub"
)

// Broken frames and methods get RabbitMQ's codes and texts, observed on RabbitMQ 3.10.8.
func TestMalformed(t *testing.T) {
	for _, c := range []struct{ name, frame, want string }{
		{"frame end", "\x01\x00\x01\x00\x00\x00\x04\x00\x0a\x00\x0a\x00", "501 FRAME_ERROR - type 1, all octets = <<0,10,0,10>>: {invalid_frame_end_marker,0} (class 0 method 0)"},
		{"unknown type", "\x09\x00\x01\x00\x00\x00\x03abc\xce", `501 FRAME_ERROR - type 9, all octets = <<"abc">>: unknown_frame (class 0 method 0)`},
		{"type 0", "\x00\x00\x01\x00\x00\x00\x00\xce", "501 FRAME_ERROR - type 0, all octets = <<>>: unknown_frame (class 0 method 0)"},
		{"too large, by its header alone", "\x03\x00\x01\x00\x02\x00\x01", "501 FRAME_ERROR - type 3, all octets = <<>>: {frame_too_large,131073,131064} (class 0 method 0)"},
		{"4 GiB", "\x01\x00\x01\xff\xff\xff\xff", "501 FRAME_ERROR - type 1, all octets = <<>>: {frame_too_large,4294967295,131064} (class 0 method 0)"},
		{"two bytes of a method", "\x01\x00\x01\x00\x00\x00\x02\x00\x14\xce", "501 FRAME_ERROR - type 1, all octets = <<0,20>>: unknown_frame (class 0 method 0)"},
		{"no method", "\x01\x00\x01\x00\x00\x00\x00\xce", "501 FRAME_ERROR - type 1, all octets = <<>>: unknown_frame (class 0 method 0)"},
		{"heartbeat with payload", "\x08\x00\x00\x00\x00\x00\x02xx\xce", `501 FRAME_ERROR - type 8, all octets = <<"xx">>: unknown_frame (class 0 method 0)`},
		{"truncated arguments", method("\x00\x32\x00\x0a\x00\x00\x05ab"), "501 FRAME_ERROR - cannot decode <<0,0,5,97,98>> (class 50 method 10)"},
		{"trailing bytes", method("\x00\x32\x00\x0a\x00\x00\x00\x04\x00\x00\x00\x00zzz"), "501 FRAME_ERROR - cannot decode <<0,0,0,4,0,0,0,0,122,122,122>> (class 50 method 10)"},
		{"table beyond the frame", method("\x00\x32\x00\x0a\x00\x00\x00\x00\x00\x00\xff\xff"), "501 FRAME_ERROR - cannot decode <<0,0,0,0,0,0,255,255>> (class 50 method 10)"},
		{"UTF-8", method("\x00\x32\x00\x0a\x00\x00\x01\xff\x00\x00\x00\x00\x00"), "501 FRAME_ERROR - Malformed UTF-8 in shortstr (class 0 method 0)"},
		{"class 99", method("\x00\x63\x00\x01"), "503 COMMAND_INVALID - unimplemented method (class 99 method 1)"},
	} {
		f, err := NewReader(strings.NewReader(c.frame), 131072).Next()
		if err == nil {
			_, err = DecodeMethod(f.Payload)
		}
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: %v; want %s", c.name, err, c.want)
		}
	}
}

func method(payload string) string {
	return "\x01\x00\x01\x00\x00\x00" + string(rune(len(payload))) + payload + "\xce"
}

// Tables are refused where they nest too deeply, but not before.
func TestNesting(t *testing.T) {
	nested := func(depth int) pubsub.Table {
		v := pubsub.Table{}
		for range depth {
			v = pubsub.Table{"": v}
		}
		return v
	}
	for depth, ok := range map[int]bool{1: true, maxNesting: true, maxNesting + 1: true, maxNesting + 2: false, 5000: false} {
		f := AppendMethod(nil, 1, &QueueDeclare{Arguments: nested(depth)})
		if _, err := DecodeMethod(f[7 : len(f)-1]); (err == nil) != ok {
			t.Errorf("a table %d deep: %v", depth, err)
		}
	}
}

// Whatever is read as a method is written as what is read as the same again, and nothing panics.
func FuzzMethod(f *testing.F) {
	f.Add([]byte("\x00\x32\x00\x0a\x00\x00\x00\x00\x00\x00\x00\x00"))
	m := AppendMethod(nil, 1, &QueueDeclare{Queue: "q", Arguments: allKinds()})
	f.Add(m[7 : len(m)-1])
	f.Fuzz(func(t *testing.T, payload []byte) {
		m, err := DecodeMethod(payload)
		if err != nil {
			return
		}
		once := AppendMethod(nil, 1, m)
		again, err := DecodeMethod(once[7 : len(once)-1])
		if err != nil {
			t.Fatalf("%+v can't be read once it was written: %v", m, err)
		}
		if twice := AppendMethod(nil, 1, again); !bytes.Equal(once, twice) {
			t.Fatalf("written as %x, then as %x", once, twice)
		}
	})
}

// The same for content headers.
func FuzzHeader(f *testing.F) {
	deliver := &BasicDeliver{}
	p := Properties{Given: 0xfffc, Headers: allKinds(), AppID: "x"}
	header := func(p *Properties) []byte {
		b := AppendContent(nil, 1, FrameMin, deliver, p, nil)
		b = b[len(AppendMethod(nil, 1, deliver)):]
		return b[7 : len(b)-1]
	}
	f.Add(header(&p))
	f.Fuzz(func(t *testing.T, payload []byte) {
		h, err := DecodeHeader(payload, deliver)
		if err != nil {
			return
		}
		once := header(&h.Properties)
		again, err := DecodeHeader(once, deliver)
		if err != nil {
			t.Fatalf("%+v can't be read once it was written: %v", h, err)
		}
		if twice := header(&again.Properties); !bytes.Equal(once, twice) {
			t.Fatalf("written as %x, then as %x", once, twice)
		}
	})
}

// No bytes make the reader panic, or take more than a frame may have.
func FuzzFrames(f *testing.F) {
	f.Add(AppendContent(nil, 1, FrameMin, &BasicDeliver{}, &Properties{}, make([]byte, 5000)))
	f.Fuzz(func(t *testing.T, stream []byte) {
		r := NewReader(bytes.NewReader(stream), FrameMin)
		rest := stream
		for {
			fr, err := r.Next()
			if err != nil {
				if cap(r.buf) > readLarge {
					t.Fatalf("the buffer has %d bytes", cap(r.buf))
				}
				return
			}
			n := len(fr.Payload) + FrameOverhead
			if n > FrameMin || n > len(rest) || !bytes.Equal(fr.Payload, rest[7:n-1]) {
				t.Fatalf("a frame of %d bytes of %x", n, rest)
			}
			rest = rest[n:]
		}
	})
}
