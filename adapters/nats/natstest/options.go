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
}

func collect(options []Option) settings {
	var s settings
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

// config writes the configuration of a server.
func (s settings) config(name, store string, p ports) string {
	var b strings.Builder
	set := func(key, value string) { fmt.Fprintf(&b, "%s: %s\n", key, strconv.Quote(value)) }
	set("server_name", name)
	set("listen", loopback(p.client))
	set("http", loopback(p.monitor))
	fmt.Fprintf(&b, "jetstream {\n store_dir: %q\n max_memory_store: 4GB\n max_file_store: 64GB\n}\n", store)
	if s.user != "" {
		fmt.Fprintf(&b, "authorization { user: %q, password: %q }\n", s.user, s.password)
	}
	for _, lines := range s.extra {
		b.WriteString(lines + "\n")
	}
	return b.String()
}
