// Package serve is the command serve.
package serve

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/gobindery/bindery/cmd/internal/cli"
)

const help = `Speak RabbitMQ's protocol, AMQP 0-9-1, over any backend.

Any AMQP client connects to serve as to RabbitMQ, in any language, and emit and
receive do. By default all is kept in memory and gone when serve ends. With -b
serve stands in front of another broker.

There is the vhost "/" and one user, guest with the password guest, who may
connect from this machine only. To listen beyond it, name another one with
--user; its password comes from $` + passwordVariable + `, or from the first
line of --password-file, never from the command line. There, wrong passwords
take 3 s, and only a few of one address are looked at in that time.

While more than --memory-limit is in use, clients that publish wait, and those
that consume go on. The process can take twice as much, because garbage comes to
it. With --metrics, /metrics has figures for Prometheus, and /healthz answers 200
while the broker can be reached, else 503 with the reason.

Ctrl-C and SIGTERM tell the clients that serve goes, and end it: at once when
they have answered, and after 5 s in any case.

The shell's completion: serve completion bash|zsh|fish|powershell writes its
script.`

const examples = `  serve
  serve --listen 127.0.0.1:5673 --metrics 127.0.0.1:9419 --memory-limit 512MiB
  serve --listen :5671 --user app --password-file /run/secrets/app --tls-cert cert.pem --tls-key key.pem
  serve -b amqp://guest:guest@localhost:5672/ --listen 127.0.0.1:5673`

const passwordVariable = "BINDERY_SERVE_PASSWORD"

// server is one run of the command.
type server struct {
	cli.Env
	listen, broker, user, passwordFile, cert, key string
	metrics, logLevel                             string

	connections, channels int
	frame, memory         int64
	handshake             time.Duration
}

// guessDelay is how long a wrong password takes where others can reach serve.
const guessDelay = 3 * time.Second

// Run runs the command and returns its exit code.
func Run(ctx context.Context, args []string, env cli.Env) int {
	s := &server{
		Env: env, logLevel: "warn",
		connections: 1 << 16, channels: 2047, frame: 128 << 10, memory: 1 << 30, handshake: 10 * time.Second,
	}
	cmd := &cobra.Command{
		Use:     "serve [flags]",
		Long:    help,
		Example: examples,
		Args: func(_ *cobra.Command, args []string) error {
			if err := cli.CheckCompletion(args); err != nil {
				return err
			}
			if len(args) > 0 {
				return cli.Usagef("serve takes flags only, but got the word %q; the address is given by --listen", args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return s.run(cmd.Context()) },
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.StringVar(&s.listen, "listen", "127.0.0.1:5672", "`address` to listen on; port 0 is any free one")
	flags.StringVarP(&s.broker, "broker", "b", cli.DefaultBroker, "`URL` of the broker to stand in front of")
	flags.StringVar(&s.user, "user", "guest", "`name` of the user who may connect")
	flags.StringVar(&s.passwordFile, "password-file", "", "`file` whose first line is the user's password")
	flags.StringVar(&s.cert, "tls-cert", "", "`file` with the certificate for TLS, in PEM form")
	flags.StringVar(&s.key, "tls-key", "", "`file` with the certificate's key, in PEM form")
	flags.StringVar(&s.metrics, "metrics", "", "`address` on this machine to serve metrics and health on by HTTP; port 0 is any free one")
	cli.Number(cmd, &s.connections, "max-connections", "", 1, math.MaxInt, "`count` of clients that may be connected at once")
	cli.Number(cmd, &s.channels, "max-channels", "", 1, math.MaxUint16, "`count` of channels that each of them may have")
	cli.Size(cmd, &s.frame, "frame-max", 4<<10, 128<<20, "`size` of the largest frame")
	cli.Size(cmd, &s.memory, "memory-limit", 0, math.MaxInt64, "`size` of what may be in use until clients that publish wait; 0 is no limit")
	cli.Duration(cmd, &s.handshake, "handshake-timeout", "`time` that a client may take until its connection is open")
	cli.Choice(cmd, &s.logLevel, "log-level", "", []string{"debug", "info", "warn", "error"}, "log to standard error from this `level` on: debug, info, warn or error")
	return cli.Execute(ctx, cmd, args, env)
}

func (s *server) run(ctx context.Context) (err error) {
	password, err := s.password()
	if err != nil {
		return err
	}
	config, err := s.tls()
	if err != nil {
		return err
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(s.logLevel)); err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(s.Stderr, &slog.HandlerOptions{Level: level}))
	amqp := cli.AMQPServer(s.Env, s.broker, s.user, password, log)
	amqp.MaxConnections, amqp.ChannelMax, amqp.FrameMax = s.connections, uint16(s.channels), uint32(s.frame)
	amqp.MemoryLimit, amqp.HandshakeTimeout = s.memory, s.handshake
	// Open before clients come, and until the last has gone: a broker in this
	// process, as an embedded NATS server, ends with its last connection.
	broker, err := amqp.OpenBroker(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, broker.Close()) }()
	l, local, err := s.open(config != nil)
	if err != nil {
		return err
	}
	if !local {
		amqp.LoginDelay = guessDelay
	}
	scheme := "amqp"
	address := l.Addr()
	if config != nil {
		scheme, l = "amqps", tls.NewListener(l, config)
	}
	about := ""
	if s.metrics != "" {
		m, err := listenMetrics(s.metrics)
		if err != nil {
			l.Close()
			return err
		}
		defer monitor(m, amqp, log)()
		about = fmt.Sprintf(" [*] Metrics at http://%s/metrics, health at http://%[1]s/healthz\n", m.Addr())
	}
	fmt.Fprintf(s.Stderr, " [*] Serving %s://%s@%s/. To exit press CTRL+C\n%s", scheme, s.user, address, about)
	return amqp.Run(ctx, l)
}

// password is the user's.
func (s *server) password() (string, error) {
	password := os.Getenv(passwordVariable)
	if s.passwordFile != "" {
		b, err := os.ReadFile(s.passwordFile)
		if err != nil {
			return "", fmt.Errorf("read --password-file: %w", err)
		}
		password, _, _ = strings.Cut(string(b), "\n")
		password = strings.TrimSuffix(password, "\r")
	}
	switch {
	case password != "":
		return password, nil
	case s.user == "guest":
		return "guest", nil
	case s.passwordFile != "":
		return "", cli.Usagef("the first line of %s is empty; it must be the password of %s", s.passwordFile, s.user)
	}
	return "", cli.Usagef("user %s needs a password: set $%s, or give --password-file", s.user, passwordVariable)
}

func (s *server) tls() (*tls.Config, error) {
	if s.cert == "" && s.key == "" {
		return nil, nil
	}
	if s.cert == "" || s.key == "" {
		return nil, cli.Usagef("TLS needs both --tls-cert and --tls-key")
	}
	pair, err := tls.LoadX509KeyPair(s.cert, s.key)
	if err != nil {
		return nil, fmt.Errorf("read the certificate for TLS: %w", err)
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}, nil
}

// open listens: beyond this machine only for a user whose password nobody
// knows. It reports whether it is this machine alone.
func (s *server) open(secure bool) (l net.Listener, local bool, err error) {
	host, _, err := net.SplitHostPort(s.listen)
	if err != nil {
		return nil, false, cli.Usagef("--listen %q is no address; give HOST:PORT, as 127.0.0.1:5672", s.listen)
	}
	local = isLoopback(host)
	if !local {
		if s.user == "guest" {
			return nil, false, cli.Usagef("to listen on %s, which others can reach, name a user of your own with --user, with a password in $%s or --password-file", s.listen, passwordVariable)
		}
		if !secure {
			fmt.Fprintf(s.Stderr, "serve: without --tls-cert and --tls-key the password and all messages go over the network in the clear\n")
		}
	}
	if l, err = net.Listen("tcp", s.listen); err != nil {
		return nil, false, fmt.Errorf("listen on %s: %w; another broker may run there: choose a port with --listen", s.listen, err)
	}
	return l, local, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
