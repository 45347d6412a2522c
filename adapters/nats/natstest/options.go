package natstest

import (
	"fmt"
	"strconv"
	"strings"
)

// Option chooses how a server of a test runs.
type Option func(*settings)

// settings are what options choose.
type settings struct {
	user, password string
	extra          []string // more lines of the configuration
	launch         func(config string) (instance, error)
	pick           func() (ports, error)
}

func collect(options []Option) settings {
	s := settings{
		launch: func(config string) (instance, error) { return orNil(startEmbedded(config)) },
		pick:   reservePorts,
	}
	for _, o := range options {
		o(&s)
	}
	return s
}

// User makes the server ask for this user and password. They are part of its
// URL.
func User(name, password string) Option {
	return func(s *settings) { s.user, s.password = name, password }
}

// Config adds lines to the end of the server's configuration, in the format of
// https://docs.nats.io/running-a-nats-service/configuration. A later setting
// wins over an earlier one of the same name.
func Config(lines string) Option {
	return func(s *settings) { s.extra = append(s.extra, lines) }
}

// OwnProcess runs the server in a process of its own, so that it can be killed:
// see [Server.Kill]. It is the server that otherwise runs inside the test process.
// The package's TestMain has to call [Main].
func OwnProcess() Option {
	return func(s *settings) {
		s.launch = func(config string) (instance, error) { return orNil(startOwnProcess(config)) }
	}
}

// Debian runs the server of Debian's package nats-server, which is of an older
// version (2.9 in Debian 12), in a process of its own. The package is installed if
// it is missing; see [Install].
func Debian() Option {
	return func(s *settings) {
		s.launch = func(config string) (instance, error) { return orNil(startDebian(config)) }
	}
}

// orNil keeps a nil pointer from becoming an interface that is not nil.
func orNil[P instance](p P, err error) (instance, error) {
	if err != nil {
		return nil, err
	}
	return p, nil
}

// config writes the configuration of a server with these ports, one of all servers
// of a cluster.
func (s settings) config(name, cluster, store string, p ports, all []ports) string {
	var b strings.Builder
	set := func(key, value string) { fmt.Fprintf(&b, "%s: %s\n", key, strconv.Quote(value)) }
	set("server_name", name)
	set("listen", loopback(p.client))
	set("http", loopback(p.monitor))
	fmt.Fprintf(&b, "jetstream {\n store_dir: %q\n max_memory_store: 4GB\n max_file_store: 64GB\n}\n", store)
	if len(all) > 1 {
		fmt.Fprintf(&b, "cluster {\n name: %q\n listen: %q\n routes: [\n", cluster, loopback(p.route))
		for _, other := range all {
			if other == p {
				continue
			}
			fmt.Fprintf(&b, "  %q\n", "nats-route://"+loopback(other.route))
		}
		b.WriteString(" ]\n}\n")
	}
	if s.user != "" {
		fmt.Fprintf(&b, "authorization { user: %q, password: %q }\n", s.user, s.password)
	}
	for _, lines := range s.extra {
		b.WriteString(lines + "\n")
	}
	return b.String()
}
