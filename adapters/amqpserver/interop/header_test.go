package interop

import (
	"fmt"
	"net"
	"net/url"
	"testing"
	"time"

	"github.com/gobindery/bindery/adapters/amqpserver/internal/wire"
)

// Clients of older versions begin with other headers, and are answered with
// their own version. AnyEvent::RabbitMQ for Perl begins as one of 0-9.
func TestProtocolHeaders(t *testing.T) {
	both(t, func(t *testing.T, address string) {
		u, err := url.Parse(address)
		must(t, err)
		for _, c := range []struct{ header, version string }{
			{"\x00\x00\x09\x01", "0-9"},
			{"\x01\x01\x00\x09", "0-9"},
			{"\x01\x01\x08\x00", "8-0"},
			{"\x01\x01\x09\x01", "8-0"},
		} {
			conn, err := net.Dial("tcp", u.Host)
			must(t, err)
			defer conn.Close()
			must(t, conn.SetDeadline(time.Now().Add(bound)))
			_, err = conn.Write([]byte("AMQP" + c.header))
			must(t, err)
			f, err := wire.NewReader(conn, 131072).Next()
			must(t, err)
			m, err := wire.DecodeMethod(f.Payload)
			must(t, err)
			start, ok := m.(*wire.ConnectionStart)
			if !ok {
				t.Fatalf("header %q: got %s", c.header, wire.Name(m))
			}
			if got := fmt.Sprintf("%d-%d", start.VersionMajor, start.VersionMinor); got != c.version {
				t.Errorf("header %q: version %s, want %s", c.header, got, c.version)
			}
		}
	})
}
