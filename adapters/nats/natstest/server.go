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

// runAll runs n servers, which are one cluster if there is more than one. Between
// the choice of their ports and the moment when they bind them another process
// may take one; then it begins again with others.
func runAll(tb testing.TB, n int, s settings) []*Server {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), startLimit)
	defer cancel()
	const attempts = 3
	var err error
	for range attempts {
		var servers []*Server
		if servers, err = create(tb.TempDir(), n, s); err != nil {
			break
		}
		if err = startAll(ctx, servers); err == nil {
			tb.Cleanup(func() { stopAll(tb, servers) })
			return servers
		}
		for _, one := range servers {
			one.Shutdown()
		}
		if !errors.Is(err, errPortTaken) {
			break
		}
	}
	tb.Fatalf("natstest: start a NATS server: %v", err)
	return nil
}

// create writes the configurations of n servers to a folder, where they will also
// have their stores.
func create(folder string, n int, s settings) ([]*Server, error) {
	free, err := freePorts(n)
	if err != nil {
		return nil, err
	}
	servers := make([]*Server, n)
	for i, p := range free {
		name := fmt.Sprintf("n%d", i+1)
		servers[i] = &Server{name: name, settings: s, ports: p, clustered: n > 1, config: filepath.Join(folder, name+".conf")}
		text := s.config(name, filepath.Join(folder, name), p, free)
		if err := os.WriteFile(servers[i].config, []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	return servers, nil
}

// startAll starts servers and returns when all are healthy. One listens before the
// next starts: two nodes of a cluster that dial each other at the same moment may
// each give up their own connection for the other's, and so have none for a second,
// in which the first election fails. The next comes four seconds later, at best.
func startAll(ctx context.Context, servers []*Server) error {
	for _, s := range servers {
		if err := s.start(ctx); err != nil {
			return err
		}
	}
	for _, s := range servers {
		if err := s.waitHealthy(ctx); err != nil {
			return err
		}
	}
	return nil
}

// stopAll ends servers with their test: at once, since a node that stays behind
// would do its share of elections.
func stopAll(tb testing.TB, servers []*Server) {
	var all sync.WaitGroup
	for _, s := range servers {
		all.Go(func() { s.stop(tb) })
	}
	all.Wait()
}

// start starts the server and returns when it takes connections.
func (s *Server) start(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.run != nil {
		return errors.New("it runs")
	}
	run, err := s.settings.launch(s.config)
	if err != nil {
		return err
	}
	err = s.whileUp(ctx, run, func(ctx context.Context) error {
		err := greets(ctx, s.ports.client, s.name)
		if err == nil && s.clustered {
			err = greets(ctx, s.ports.route, s.name)
		}
		return err
	})
	if err != nil {
		run.shutdown() // what it says of its end is in err already
		return err
	}
	s.run = run
	return nil
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
