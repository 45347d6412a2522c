package nats_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gobindery/bindery/adapters/nats"
	"github.com/gobindery/bindery/adapters/nats/natstest"
	"github.com/gobindery/bindery/pubsub"
)

// openFails opens a URL and compares the error.
func openFails(t *testing.T, url string, kind error, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	mux := pubsub.Mux{"nats": nats.Scheme()}
	b, err := mux.Open(ctx, url, nil)
	if err == nil {
		b.Close()
	}
	if !errors.Is(err, kind) || !strings.Contains(err.Error(), text) || strings.Contains(err.Error(), "hush") {
		t.Errorf("%s: the error is %v; want one that wraps %q and says %q", url, err, kind, text)
	}
}

func TestOpenRefused(t *testing.T) {
	t.Parallel()
	s := natstest.RunServer(t, natstest.User("bob", "right"))
	host := strings.SplitN(s.URL(), "@", 2)[1]
	openFails(t, "nats://bob:hush@"+host, pubsub.ErrAccessRefused, "check user and password")
	openFails(t, "nats://hush@"+host, pubsub.ErrAccessRefused, "check user and password")
	openFails(t, "nats://"+host, pubsub.ErrAccessRefused, "check user and password")
	openFails(t, "nats://bob:hush@"+host+",127.0.0.1:1", pubsub.ErrAccessRefused, "check user and password")

	// The user is that of all hosts, whichever is there.
	c, err := nats.Open(t.Context(), "nats://bob:right@127.0.0.1:1,"+host, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

func TestOpenUnreachable(t *testing.T) {
	t.Parallel()
	openFails(t, "nats://bob:hush@127.0.0.1:1", pubsub.ErrUnavailable, "connection refused")
	openFails(t, "nats://bob:hush@127.0.0.1:1,127.0.0.1:2", pubsub.ErrUnavailable, "nats://127.0.0.1:2: dial tcp 127.0.0.1:2: connect: connection refused")
}

func TestOpenWithoutJetStream(t *testing.T) {
	t.Parallel()
	fake := fakeServer(t, "2.15.2")
	openFails(t, "nats://bob:hush@"+fake, pubsub.ErrUnsupported, "JetStream is turned off, on nats-server 2.15.2")

	s := natstest.RunServer(t, natstest.Config(`accounts { A { users: [ {user: bob, password: hush} ] } }`))
	host := strings.TrimPrefix(s.URL(), "nats://")
	openFails(t, "nats://bob:hush@"+host, pubsub.ErrUnsupported, "JetStream is turned off")
}

func TestOpenTooOld(t *testing.T) {
	t.Parallel()
	openFails(t, "nats://"+fakeServer(t, "2.8.4"), pubsub.ErrUnsupported, "the server is nats-server 2.8.4; version 2.9 or later is needed")
}

// With TLS, the server's certificate must be known.
func TestOpenTLS(t *testing.T) {
	t.Parallel()
	cert, key := certificate(t)
	s := natstest.RunServer(t, natstest.Config(fmt.Sprintf("tls { cert_file: %q, key_file: %q, verify: true, ca_file: %[1]q }", cert, key)))
	host := strings.TrimPrefix(s.URL(), "nats://")
	openFails(t, "nats://"+host, pubsub.ErrUnavailable, "certificate")
	c, err := nats.Open(t.Context(), fmt.Sprintf("tls://%s/v?cacertfile=%s&certfile=%[2]s&keyfile=%s", host, cert, key), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

// certificate makes one for this machine, which is its own authority, and returns the
// files with it and its key.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	about := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, about, about, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// fakeServer speaks as much of NATS as it takes to be connected to, and says that
// nobody answers what is asked. It returns its address.
func fakeServer(t *testing.T, version string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			speak(conn, version)
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-served
	})
	return l.Addr().String()
}

// speak serves one connection until its end.
func speak(conn net.Conn, version string) {
	defer conn.Close()
	fmt.Fprintf(conn, "INFO {\"server_id\":\"fake\",\"version\":%q,\"proto\":1,\"headers\":true,\"max_payload\":1048576}\r\n", version)
	id := ""
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		words := strings.Fields(lines.Text())
		switch {
		case len(words) == 0:
		case words[0] == "PING":
			fmt.Fprint(conn, "PONG\r\n")
		case words[0] == "SUB":
			id = words[len(words)-1]
		case words[0] == "PUB" && len(words) == 4:
			const status = "NATS/1.0 503\r\n\r\n"
			fmt.Fprintf(conn, "HMSG %s %s %d %[3]d\r\n%s\r\n", words[2], id, len(status), status)
		}
	}
}
