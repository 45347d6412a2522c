package nats

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/gobindery/bindery/pubsub"
)

// parameters are what the query of a URL may have. Those for TLS are named as in
// RabbitMQ's URLs.
var parameters = map[string]string{
	"replicas":           "on how many servers of a cluster each stream is kept, 1 to 5; the default is 1",
	"storage":            "file or memory: where durable queues and the topology are kept; the default is file",
	"ingress":            "1 if messages that other NATS clients publish for exchanges are let in here; the default is 0",
	"connection_timeout": "milliseconds that one attempt to connect may take; the default is 5000",
	"credentials":        "file with the credentials of the user, as nsc makes it",
	"nkey":               "file with the user's NKey seed",
	"token":              "the token to log in with",
	"cacertfile":         "PEM file of the authorities to trust, with tls; the default is the system's",
	"certfile":           "PEM file of the client's certificate, with tls",
	"keyfile":            "PEM file of its key",
}

// settings are what a URL says.
type settings struct {
	servers  string // as nats.go wants them
	vhost    string
	user     string // who messages with a user-id must name
	replicas int
	storage  jetstream.StorageType // of what is durable
	ingress  bool
	timeout  time.Duration
	options  []nats.Option
}

// readURL reads nats://user:password@host:port,host2:port2/vhost?parameters. Its errors
// show neither password nor token.
func readURL(u *url.URL) (*settings, error) {
	s := &settings{vhost: "/", user: "guest", replicas: 1, timeout: 5 * time.Second}
	if u.Scheme != "nats" && u.Scheme != "tls" {
		return nil, fmt.Errorf("%w: unknown scheme %q; use nats or tls", pubsub.ErrInvalid, u.Scheme)
	}
	if u.Opaque != "" {
		return nil, fmt.Errorf("%w: the URL has no slashes after the scheme; write %s://HOST", pubsub.ErrInvalid, u.Scheme)
	}
	if u.Fragment != "" {
		return nil, fmt.Errorf("%w: the URL has a fragment, what follows a #; write %%23 for a # in a name", pubsub.ErrInvalid)
	}
	var err error
	if s.servers, err = serversOf(u); err != nil {
		return nil, err
	}
	if u.User != nil {
		if password, ok := u.User.Password(); ok {
			s.user = u.User.Username()
			s.options = append(s.options, nats.UserInfo(s.user, password)) // for all servers
		} else {
			s.options = append(s.options, nats.Token(u.User.Username()))
		}
	}
	if s.vhost, err = vhostOf(u.EscapedPath()); err != nil {
		return nil, err
	}
	return s, s.readQuery(u.RawQuery)
}

// serversOf returns the URLs of all servers, without the user, as nats.go wants them.
func serversOf(u *url.URL) (string, error) {
	if u.Host == "" {
		return u.Scheme + "://localhost", nil
	}
	var servers []string
	for host := range strings.SplitSeq(u.Host, ",") {
		if host == "" {
			return "", fmt.Errorf("%w: a name is missing among the hosts", pubsub.ErrInvalid)
		}
		server := u.Scheme + "://" + host
		one, err := url.Parse(server)
		if err != nil || one.Hostname() == "" || strings.Contains(one.Hostname(), ":") && !strings.HasPrefix(host, "[") {
			// It may be a piece of the password: it isn't shown.
			return "", fmt.Errorf("%w: a host or its port can't be read; write HOST:PORT,HOST:PORT, and percent-encode what is special in user and password", pubsub.ErrInvalid)
		}
		if p := one.Port(); p != "" {
			if n, err := strconv.ParseUint(p, 10, 16); err != nil || n == 0 {
				return "", fmt.Errorf("%w: port %s; it must be 1 to 65535", pubsub.ErrInvalid, p)
			}
		}
		servers = append(servers, server)
	}
	return strings.Join(servers, ","), nil
}

// vhostOf returns the vhost of a URL's path, which is still percent-encoded, as
// in URLs of RabbitMQ: no path, and "/" alone, is the vhost "/".
func vhostOf(path string) (string, error) {
	switch path {
	case "", "/", "//":
		return "/", nil
	}
	segment := strings.TrimPrefix(path, "/")
	if strings.Contains(segment, "/") {
		return "", fmt.Errorf("%w: the vhost contains a slash; write it as %%2F", pubsub.ErrInvalid)
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

func (s *settings) readQuery(raw string) error {
	query, err := url.ParseQuery(raw)
	if err != nil {
		return fmt.Errorf("%w: malformed query: %w", pubsub.ErrInvalid, err)
	}
	for name := range query {
		if err := s.set(name, query.Get(name)); err != nil {
			return fmt.Errorf("%w: %w", pubsub.ErrInvalid, err)
		}
	}
	cert, key := query.Get("certfile"), query.Get("keyfile")
	if (cert == "") != (key == "") {
		return fmt.Errorf("%w: a client's certificate needs both certfile and keyfile", pubsub.ErrInvalid)
	}
	if cert != "" {
		if err := s.use(nats.ClientCert(cert, key)); err != nil {
			return fmt.Errorf("%w: %w", pubsub.ErrInvalid, err)
		}
	}
	return nil
}

// use adds an option of nats.go, or returns what is wrong with it: Connect would
// return that as if the server were at fault.
func (s *settings) use(o nats.Option) error {
	if err := o(new(nats.Options)); err != nil {
		return err
	}
	s.options = append(s.options, o)
	return nil
}

// set sets one parameter.
func (s *settings) set(name, value string) error {
	switch name {
	case "replicas":
		n, err := strconv.Atoi(value)
		if err != nil || n < 1 || n > 5 {
			return fmt.Errorf("replicas is %q; it must be 1 to 5", value)
		}
		s.replicas = n
	case "storage":
		switch value {
		case "file":
			s.storage = jetstream.FileStorage
		case "memory":
			s.storage = jetstream.MemoryStorage
		default:
			return fmt.Errorf("storage is %q; it must be file or memory", value)
		}
	case "ingress":
		if value != "0" && value != "1" {
			return fmt.Errorf("ingress is %q; it must be 0 or 1", value)
		}
		s.ingress = value == "1"
	case "connection_timeout":
		n, err := strconv.ParseUint(value, 10, 31)
		if err != nil || n == 0 {
			return fmt.Errorf("connection_timeout is %q; it must be a number of milliseconds", value)
		}
		s.timeout = time.Duration(n) * time.Millisecond
	case "credentials":
		s.options = append(s.options, nats.UserCredentials(value))
	case "nkey":
		o, err := nats.NkeyOptionFromSeed(value)
		if err != nil {
			return fmt.Errorf("nkey: %w; it must be a file with the seed of a user's NKey", err)
		}
		s.options = append(s.options, o)
	case "token":
		if value == "" {
			return errors.New("token is empty")
		}
		s.options = append(s.options, nats.Token(value))
	case "cacertfile":
		return s.use(nats.RootCAs(value))
	case "certfile", "keyfile":
		// Both together, when all is read.
	default:
		return fmt.Errorf("unknown parameter %q", name)
	}
	return nil
}

// redact is a URL as it stands in an error: without password and token. A user
// without a password is a token.
func redact(u *url.URL) string {
	shown := *u
	if u.User != nil {
		if _, ok := u.User.Password(); !ok {
			shown.User = url.User("xxxxx")
		}
	}
	if query, err := url.ParseQuery(u.RawQuery); err == nil && query.Has("token") {
		query.Set("token", "xxxxx")
		shown.RawQuery = query.Encode()
	}
	return shown.Redacted()
}
