package natstest

import (
	"context"
	"fmt"
	"net/url"
	"sync"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
)

// Server is a NATS server of one test. Its methods are safe for concurrent use.
type Server struct {
	name      string
	settings  settings
	ports     ports
	clustered bool   // it listens for other nodes
	config    string // the path of its configuration

	mu  sync.Mutex
	run instance // nil while it is down
}

// instance is one life of a server.
type instance interface {
	ended() <-chan struct{} // it cannot go on
	output() string         // the end of what it wrote
	shutdown() error        // ends it cleanly and waits
	kill() error            // ends it as a crash would, and waits
}

// RunServer runs a server with JetStream for one test, and stops it when the
// test ends. It returns when the server takes connections and JetStream works.
// A server that cannot be started fails the test.
func RunServer(tb testing.TB, options ...Option) *Server {
	tb.Helper()
	return runAll(tb, 1, collect(options))[0]
}

// runs reports whether the server is up.
func (s *Server) runs() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.run != nil
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

// Kill ends the server as a crash would, with SIGKILL: it writes nothing, and tells
// nobody. Data and ports stay for [Server.Restart]. Only a server in a process of
// its own can be killed; see [OwnProcess].
func (s *Server) Kill() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.run == nil {
		return fmt.Errorf("kill %s: it is down", s.name)
	}
	if err := s.run.kill(); err != nil {
		return fmt.Errorf("kill %s: %w", s.name, err)
	}
	s.run = nil
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

// stop ends the server with its test, and lets its ports go.
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
	s.ports.block.Release()
}
