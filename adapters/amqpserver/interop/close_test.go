package interop

import (
	"bytes"
	"io"
	"net"
	"net/url"
	"testing"
	"time"
)

// A client may have more on its way when it closes the connection, as amqplib
// for Node.js has. It is read, and the client gets close-ok, not a reset.
func TestWriteAfterClose(t *testing.T) {
	both(t, func(t *testing.T, address string) {
		u, err := url.Parse(address)
		must(t, err)
		conn, err := net.Dial("tcp", u.Host)
		must(t, err)
		defer conn.Close()
		must(t, conn.SetDeadline(time.Now().Add(bound)))
		password, _ := u.User.Password()
		vhost := u.Path
		if len(vhost) > 1 {
			vhost = vhost[1:]
		}
		login := "\x00" + u.User.Username() + "\x00" + password
		send := func(p string) {
			t.Helper()
			if _, err := io.WriteString(conn, p); err != nil {
				t.Fatalf("write: %v", err)
			}
		}
		send("AMQP\x00\x00\x09\x01")
		send(method("\x00\x0a\x00\x0b" + "\x00\x00\x00\x00" + "\x05PLAIN" + string([]byte{0, 0, 0, byte(len(login))}) + login + "\x05en_US"))
		send(method("\x00\x0a\x00\x1f" + "\x00\x10" + "\x00\x02\x00\x00" + "\x00\x00"))
		send(method("\x00\x0a\x00\x28" + string([]byte{byte(len(vhost))}) + vhost + "\x00\x00"))
		send(method("\x00\x0a\x00\x32" + "\x00\xc8" + "\x00" + "\x00\x00\x00\x00"))
		heartbeats := string(bytes.Repeat([]byte("\x08\x00\x00\x00\x00\x00\x00\xce"), 1000))
		for range 1000 { // 8 MB: more than the system takes in for who doesn't read
			send(heartbeats)
		}
		var got []byte
		for closeOk := []byte(method("\x00\x0a\x00\x33")); !bytes.HasSuffix(got, closeOk); {
			var buf [4096]byte
			n, err := conn.Read(buf[:])
			if got = append(got, buf[:n]...); err != nil {
				t.Fatalf("got %q, %v; want close-ok at the end", got, err)
			}
		}
	})
}

// method returns a frame on channel 0.
func method(payload string) string {
	return "\x01\x00\x00" + string([]byte{0, 0, byte(len(payload) >> 8), byte(len(payload))}) + payload + "\xce"
}
