package natstest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// startLimit bounds how long a test waits for a server. A start takes
// milliseconds; the rest is for busy machines.
const startLimit = 2 * time.Minute

// errEnded is why there is nothing more to wait for.
var errEnded = errors.New("it ended before it was ready")

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
			one.ports.block.Release()
		}
		if !errors.Is(err, errPortTaken) {
			break
		}
	}
	tb.Fatalf("natstest: start a NATS server: %v", err)
	return nil
}

// create reserves the ports of n servers and writes their configurations to a folder,
// where they will also have their stores.
func create(folder string, n int, s settings) (servers []*Server, err error) {
	reserved := make([]ports, 0, n)
	defer func() {
		if err != nil {
			for _, p := range reserved {
				p.block.Release()
			}
		}
	}()
	for range n {
		p, err := s.pick()
		if err != nil {
			return nil, err
		}
		reserved = append(reserved, p)
	}
	// Names that no other test has: a port may turn out to be that of its server.
	cluster := fmt.Sprintf("natstest-%08x", rand.Uint32())
	servers = make([]*Server, n)
	for i, p := range reserved {
		name := fmt.Sprintf("%s-%d", cluster, i+1)
		servers[i] = &Server{name: name, settings: s, ports: p, clustered: n > 1, config: filepath.Join(folder, name+".conf")}
		text := s.config(name, cluster, filepath.Join(folder, name), p, reserved)
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
	ctx, cancel := context.WithCancelCause(ctx)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case <-run.ended():
			cancel(errEnded)
		case <-ctx.Done():
		}
	}()
	err := poll(ctx, ready)
	cancel(nil)
	<-watched
	if err == nil {
		return nil
	}
	out := run.output()
	switch {
	case strings.Contains(out, "address already in use"):
		err = errPortTaken
	case errors.Is(err, errEnded):
		err = errEnded // and not that nobody listens
	}
	return fmt.Errorf("%s: %w\n%s", s.name, err, out)
}
