package message

import (
	"math/rand/v2"
	"testing"

	"github.com/nats-io/nats.go"
)

// FuzzDecode takes any header: what can be read, arrives the same when it is
// sent on.
func FuzzDecode(f *testing.F) {
	r := random{rand.New(rand.NewPCG(1, 2))}
	for range 50 {
		f.Add(written(r.publication()), "body")
	}
	for _, s := range []string{"", "x=logs&k=a&later=1", "h", "h.BCC=[a]&bcc=b", "h.CC=[a]&bcc=b", "h.n=[{a=[", "h.n=f32:0x1p-3", "exp=1&ts=-1&given=1", "%&=%"} {
		f.Add(s, "")
	}
	f.Fuzz(func(t *testing.T, header, body string) {
		p, err := Decode(nats.Header{Header: {header}}, "subject", []byte(body))
		if err != nil {
			return
		}
		checkSame(t, there(t, p), p)
	})
}

// FuzzForeign takes any headers of another NATS client.
func FuzzForeign(f *testing.F) {
	f.Add("Trace", "a", "Trace", "b")
	f.Add("CC", "a", "BCC", "b")
	f.Add("bindery", "x=a", "", "\xff")
	f.Add("CC", "a", "CC", "b")
	f.Add("BCC", "a", "BCC", "b")
	f.Fuzz(func(t *testing.T, name1, value1, name2, value2 string) {
		if name1 == Header || name2 == Header {
			return
		}
		h := nats.Header{}
		h.Add(name1, value1)
		h.Add(name2, value2)
		p, err := Decode(h, "subject", nil)
		if err != nil {
			t.Fatal(err)
		}
		checkSame(t, there(t, p), p)
	})
}
