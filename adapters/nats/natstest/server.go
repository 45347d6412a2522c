package natstest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// startLimit bounds how long a test waits for a server. A start takes
// milliseconds; the rest is for busy machines.
const startLimit = 2 * time.Minute

// Server is a NATS server of one test. Its methods are safe for concurrent use.
type Server struct {
	name     string
	settings settings
	ports    ports
	config   string // the path of its configuration
	launch   func(config string) (instance, error)

	mu  sync.Mutex
	run instance // nil while it is down
}

// instance is one life of a server.
type instance interface {
	ended() <-chan struct{} // it cannot go on
	output() string         // the end of what it wrote
	shutdown() error        // ends it cleanly and waits
}

// RunServer runs a server with JetStream for one test, and stops it when the
// test ends. It returns when the server takes connections and JetStream works.
// A server that cannot be started fails the test.
func RunServer(tb testing.TB, options ...Option) *Server {
	tb.Helper()
	return runOne(tb, collect(options), func(config string) (instance, error) {
		return orNil(startEmbedded(config))
	})
}

// orNil keeps a nil pointer from becoming an interface that is not nil.
func orNil[T any, P interface {
	*T
	instance
}](p P, err error) (instance, error) {
	if err != nil {
		return nil, err
	}
	return p, nil
}

// runOne runs one server. Between the choice of its ports and the moment when
// it binds them another process may take one; then it begins again.
func runOne(tb testing.TB, s settings, launch func(string) (instance, error)) *Server {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), startLimit)
	defer cancel()
	const attempts = 3
	var err error
	for range attempts {
		var free []ports
		if free, err = freePorts(1); err != nil {
			break
		}
		n := &Server{name: "natstest", settings: s, ports: free[0], launch: launch}
		if err = n.create(tb.TempDir(), ""); err != nil {
			break
		}
		if err = n.start(ctx); err == nil {
			err = n.waitHealthy(ctx)
		}
		if err == nil {
			tb.Cleanup(func() { n.stop(tb) })
			return n
		}
		n.Shutdown()
		if !errors.Is(err, errPortTaken) {
			break
		}
	}
	tb.Fatalf("natstest: start a NATS server: %v", err)
	return nil
}

// create writes the server's configuration, and all else it needs, to a folder.
func (s *Server) create(folder, more string) error {
	s.config = filepath.Join(folder, s.name+".conf")
	text := s.settings.config(s.name, filepath.Join(folder, s.name), s.ports) + more
	return os.WriteFile(s.config, []byte(text), 0o600)
}

// start starts the server and returns when it takes connections.
func (s *Server) start(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.run != nil {
		return errors.New("it runs")
	}
	run, err := s.launch(s.config)
	if err != nil {
		return err
	}
	s.run = run
	return s.whileUp(ctx, run, func(ctx context.Context) error {
		return greets(ctx, s.ports.client, s.name)
	})
}

// waitHealthy returns when the server has all that it is to hold.
func (s *Server) waitHealthy(ctx context.Context) error {
	s.mu.Lock()
	run := s.run
	s.mu.Unlock()
	if run == nil {
		return fmt.Errorf("%s is down", s.name)
	}
	return s.whileUp(ctx, run, func(ctx context.Context) error { return healthy(ctx, s.ports.monitor) })
}

// whileUp polls a condition until it holds, the server's life ends, or the
// context does.
func (s *Server) whileUp(ctx context.Context, run instance, ready func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case <-run.ended():
			cancel()
		case <-ctx.Done():
		}
	}()
	err := poll(ctx, ready)
	cancel()
	<-watched
	if err == nil {
		return nil
	}
	out := run.output()
	if strings.Contains(out, "address already in use") {
		err = errPortTaken
	}
	return fmt.Errorf("%s: %w\n%s", s.name, err, out)
}

// URL is what a client connects to, as in nats://127.0.0.1:23456. It has the
// user and password of the option [User].
func (s *Server) URL() string {
	u := url.URL{Scheme: "nats", Host: loopback(s.ports.client)}
	if s.settings.user != "" {
		u.User = url.UserPassword(s.settings.user, s.settings.password)
	}
	return u.String()
}

// Name is the server's name, by which NATS tells of leaders and replicas.
func (s *Server) Name() string { return s.name }

// Embedded returns the server itself, for tests that look into it or disturb
// it. It is another one after each [Server.Restart], and nil while the server
// is down or where it runs as a process of its own.
func (s *Server) Embedded() *server.Server {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e, ok := s.run.(*embedded); ok {
		return e.Server
	}
	return nil
}

// Shutdown stops the server cleanly and waits until it is gone: it writes all it
// has, and hands over what it leads. Data and ports stay for [Server.Restart]. A
// server that is down stays down.
func (s *Server) Shutdown() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.run == nil {
		return nil
	}
	run := s.run
	s.run = nil
	if err := run.shutdown(); err != nil {
		return fmt.Errorf("shut %s down: %w", s.name, err)
	}
	return nil
}

// Restart starts the server again on the same ports and with the same data, and
// returns when it takes connections. A server that runs is shut down before. The
// context bounds the start.
func (s *Server) Restart(ctx context.Context) error {
	if err := s.Shutdown(); err != nil {
		return err
	}
	if err := s.start(ctx); err != nil {
		return fmt.Errorf("restart %w", err)
	}
	return nil
}

// stop ends the server with its test.
func (s *Server) stop(tb testing.TB) {
	s.mu.Lock()
	run := s.run
	s.mu.Unlock()
	if tb.Failed() && run != nil {
		tb.Logf("the log of the NATS server %s ends with:\n%s", s.name, run.output())
	}
	if err := s.Shutdown(); err != nil {
		tb.Errorf("natstest: %v", err)
	}
}
