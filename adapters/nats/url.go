package nats

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/gobindery/bindery/pubsub"
)

// parameters are what the query of a URL may have.
var parameters = map[string]string{
	"replicas":           "on how many servers of a cluster each stream is kept, 1 to 5; the default is 1",
	"connection_timeout": "milliseconds that one attempt to connect may take; the default is 5000",
	"credentials":        "file with the credentials of the user, as nsc makes it",
	"nkey":               "file with the user's NKey seed",
	"token":              "the token to log in with",
}

// settings are what a URL says.
type settings struct {
	servers  string // as nats.go wants them
	vhost    string
	user     string // who messages with a user-id must name
	replicas int
	timeout  time.Duration
	options  []nats.Option
}

// readURL reads nats://user:password@host:port,host2:port2/vhost?parameters.
func readURL(u *url.URL) (*settings, error) {
	s := &settings{vhost: "/", user: "guest", replicas: 1, timeout: 5 * time.Second}
	if u.Scheme != "nats" && u.Scheme != "tls" {
		return nil, fmt.Errorf("%w: unknown scheme %q; use nats or tls", pubsub.ErrInvalid, u.Scheme)
	}
	if u.Opaque != "" {
		return nil, fmt.Errorf("%w: the URL has no slashes after the scheme; write %s://%s", pubsub.ErrInvalid, u.Scheme, u.Opaque)
	}
	hosts := u.Host
	if hosts == "" {
		hosts = "localhost"
	}
	var servers []string
	for host := range strings.SplitSeq(hosts, ",") {
		if host == "" {
			return nil, fmt.Errorf("%w: a name is missing among the hosts %q", pubsub.ErrInvalid, hosts)
		}
		servers = append(servers, u.Scheme+"://"+host)
	}
	s.servers = strings.Join(servers, ",")
	if u.User != nil {
		s.user = u.User.Username()
		if password, ok := u.User.Password(); ok {
			s.options = append(s.options, nats.UserInfo(s.user, password))
		} else {
			s.options = append(s.options, nats.Token(s.user))
			s.user = "guest"
		}
	}
	if path := strings.TrimPrefix(u.EscapedPath(), "/"); path != "" && path != "/" {
		if strings.Contains(path, "/") {
			return nil, fmt.Errorf("%w: the vhost %q contains a slash; write it as %%2F", pubsub.ErrInvalid, path)
		}
		vhost, err := url.PathUnescape(path)
		if err != nil {
			return nil, fmt.Errorf("%w: vhost: %w", pubsub.ErrInvalid, err)
		}
		if len(vhost) > 255 {
			return nil, fmt.Errorf("%w: the vhost's name is %d bytes long; at most 255 are possible", pubsub.ErrInvalid, len(vhost))
		}
		s.vhost = vhost
	}
	return s, s.readQuery(u.RawQuery)
}

func (s *settings) readQuery(raw string) error {
	query, err := url.ParseQuery(raw)
	if err != nil {
		return fmt.Errorf("%w: malformed query: %w", pubsub.ErrInvalid, err)
	}
	for name, values := range query {
		value := values[len(values)-1]
		switch name {
		case "replicas":
			n, err := strconv.Atoi(value)
			if err != nil || n < 1 || n > 5 {
				return fmt.Errorf("%w: replicas is %q; it must be 1 to 5", pubsub.ErrInvalid, value)
			}
			s.replicas = n
		case "connection_timeout":
			n, err := strconv.ParseUint(value, 10, 31)
			if err != nil || n == 0 {
				return fmt.Errorf("%w: connection_timeout is %q; it must be a number of milliseconds", pubsub.ErrInvalid, value)
			}
			s.timeout = time.Duration(n) * time.Millisecond
		case "credentials":
			s.options = append(s.options, nats.UserCredentials(value))
		case "nkey":
			o, err := nats.NkeyOptionFromSeed(value)
			if err != nil {
				return fmt.Errorf("%w: nkey: %w", pubsub.ErrInvalid, err)
			}
			s.options = append(s.options, o)
		case "token":
			s.options = append(s.options, nats.Token(value))
		default:
			return fmt.Errorf("%w: unknown parameter %q", pubsub.ErrInvalid, name)
		}
	}
	return nil
}
