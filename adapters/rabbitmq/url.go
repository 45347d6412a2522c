package rabbitmq

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/gobindery/bindery/pubsub"
)

// parameters are what the query of a URL may have. The names are RabbitMQ's
// where it has one: https://www.rabbitmq.com/docs/uri-query-parameters.
var parameters = map[string]string{
	"heartbeat":              "seconds between heartbeats, 1 to 65535; the default is 10",
	"connection_timeout":     "milliseconds that one attempt to connect may take; the default is 30000",
	"connection_name":        "what RabbitMQ shows as the connection's name",
	"management":             "URL of the management API; the default is port 15672 of the same host (15671 and https with amqps)",
	"cacertfile":             "PEM file of the authorities to trust, with amqps; the default is the system's",
	"certfile":               "PEM file of the client's certificate, with amqps",
	"keyfile":                "PEM file of its key",
	"server_name_indication": "name that the server's certificate must have; the default is the host",
}

// address is what a URL says.
type address struct {
	tls            bool
	host           string
	port           string
	user, password string
	vhost          string

	heartbeat  time.Duration // 0: not given
	timeout    time.Duration // 0: not given
	name       string
	management string // "": not given

	caFile, certFile, keyFile, serverName string
}

// hostPort is where to dial.
func (a *address) hostPort() string { return net.JoinHostPort(a.host, a.port) }

// parseURL reads an amqp or amqps URL. See https://www.rabbitmq.com/docs/uri-spec.
// Its errors don't show the password.
func parseURL(raw string) (*address, error) {
	u, err := url.Parse(raw)
	if err != nil {
		// A *url.Error has the whole URL in its text, with the password.
		if e, ok := errors.AsType[*url.Error](err); ok {
			err = e.Err
		}
		return nil, fmt.Errorf("%w: malformed URL: %w; percent-encode what is special in user, password and vhost", pubsub.ErrInvalid, err)
	}
	return addressOf(u)
}

func addressOf(u *url.URL) (*address, error) {
	a := &address{host: "localhost", port: "5672", user: "guest", password: "guest"}
	switch u.Scheme {
	case "amqp":
	case "amqps":
		a.tls, a.port = true, "5671"
	default:
		return nil, fmt.Errorf("%w: unknown scheme %q; use amqp or amqps", pubsub.ErrInvalid, u.Scheme)
	}
	if u.Opaque != "" {
		return nil, fmt.Errorf("%w: the URL has no slashes after the scheme; write %s://%s", pubsub.ErrInvalid, u.Scheme, u.Opaque)
	}
	if u.Fragment != "" {
		return nil, fmt.Errorf("%w: the URL has a fragment, what follows a #; write %%23 for a # in a name", pubsub.ErrInvalid)
	}
	if h := u.Hostname(); h != "" {
		a.host = h
	}
	if p := u.Port(); p != "" {
		if n, err := strconv.ParseUint(p, 10, 16); err != nil || n == 0 {
			return nil, fmt.Errorf("%w: port %s; it must be 1 to 65535", pubsub.ErrInvalid, p)
		}
		a.port = p
	}
	if u.User != nil {
		a.user = u.User.Username()
		if p, ok := u.User.Password(); ok {
			a.password = p
		}
	}
	var err error
	if a.vhost, err = vhostOf(u.EscapedPath()); err != nil {
		return nil, err
	}
	return a, a.readQuery(u.RawQuery)
}

// vhostOf returns the vhost of a URL's path, which is still percent-encoded.
// The specification reads "/" as the vhost whose name is empty; amqp091-go and
// every tutorial read it as the default vhost, and so does this. Kombu writes
// the default vhost as "//".
func vhostOf(path string) (string, error) {
	switch path {
	case "", "/", "//":
		return "/", nil
	}
	segment := strings.TrimPrefix(path, "/")
	if strings.Contains(segment, "/") {
		return "", fmt.Errorf("%w: the vhost %q contains a slash; write it as %%2F", pubsub.ErrInvalid, segment)
	}
	vhost, err := url.PathUnescape(segment)
	if err != nil {
		return "", fmt.Errorf("%w: vhost: %w", pubsub.ErrInvalid, err)
	}
	if len(vhost) > 255 {
		return "", fmt.Errorf("%w: the vhost's name is %d bytes long; at most 255 are possible", pubsub.ErrInvalid, len(vhost))
	}
	return vhost, nil
}

func (a *address) readQuery(raw string) error {
	query, err := url.ParseQuery(raw)
	if err != nil {
		return fmt.Errorf("%w: malformed query: %w", pubsub.ErrInvalid, err)
	}
	for name, values := range query {
		if _, ok := parameters[name]; !ok {
			return fmt.Errorf("%w: unknown parameter %q", pubsub.ErrInvalid, name)
		}
		value := values[len(values)-1]
		switch name {
		case "heartbeat":
			a.heartbeat, err = number(name, value, time.Second, 65535)
		case "connection_timeout":
			a.timeout, err = number(name, value, time.Millisecond, 1<<31)
		case "connection_name":
			a.name = value
		case "management":
			a.management = value
		case "cacertfile":
			a.caFile = value
		case "certfile":
			a.certFile = value
		case "keyfile":
			a.keyFile = value
		case "server_name_indication":
			a.serverName = value
		}
		if err != nil {
			return err
		}
	}
	if !a.tls && a.caFile+a.certFile+a.keyFile+a.serverName != "" {
		return fmt.Errorf("%w: cacertfile, certfile, keyfile and server_name_indication are for TLS; use the scheme amqps", pubsub.ErrInvalid)
	}
	if (a.certFile == "") != (a.keyFile == "") {
		return fmt.Errorf("%w: certfile and keyfile go together; give both", pubsub.ErrInvalid)
	}
	return nil
}

func number(name, value string, unit time.Duration, most uint64) (time.Duration, error) {
	n, err := strconv.ParseUint(value, 10, 32)
	if err != nil || n == 0 || n > most {
		return 0, fmt.Errorf("%w: parameter %s is %q; it must be a number from 1 to %d", pubsub.ErrInvalid, name, value, most)
	}
	return time.Duration(n) * unit, nil
}

// tlsConfig returns how to speak TLS with a's server: as base says if it isn't
// nil, with what the URL says besides.
func (a *address) tlsConfig(base *tls.Config) (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if base != nil {
		c = base.Clone()
	}
	if a.serverName != "" {
		c.ServerName = a.serverName
	}
	if c.ServerName == "" {
		c.ServerName = a.host
	}
	if a.caFile != "" {
		text, err := os.ReadFile(a.caFile)
		if err != nil {
			return nil, fmt.Errorf("%w: parameter cacertfile: %w", pubsub.ErrInvalid, err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("%w: parameter cacertfile: %s has no certificate in PEM format", pubsub.ErrInvalid, a.caFile)
		}
	}
	if a.certFile != "" {
		cert, err := tls.LoadX509KeyPair(a.certFile, a.keyFile)
		if err != nil {
			return nil, fmt.Errorf("%w: parameters certfile and keyfile: %w", pubsub.ErrInvalid, err)
		}
		c.Certificates = []tls.Certificate{cert}
	}
	return c, nil
}
