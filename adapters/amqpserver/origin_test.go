package amqpserver

import (
	"net"
	"testing"
)

func TestOrigin(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.1:5":            "192.0.2.1/32",
		"[::ffff:192.0.2.1]:5":   "192.0.2.1/32",
		"[2001:db8:1:2:3::4]:5":  "2001:db8:1:2::/64",
		"[fe80::1%lo]:5":         "fe80::/64",
		"127.0.0.1:5":            "127.0.0.1/32",
		"[2001:db8:1:2:ffff::]:": "2001:db8:1:2::/64",
	} {
		a, err := net.ResolveTCPAddr("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		if got := origin(a).String(); got != want {
			t.Errorf("origin(%s) = %s, want %s", address, got, want)
		}
	}
	if p := origin(&net.UnixAddr{Name: "/x"}); p.IsValid() {
		t.Errorf("a socket's address has the origin %v", p)
	}
}
