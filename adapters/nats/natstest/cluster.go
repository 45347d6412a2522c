package natstest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Cluster is a JetStream cluster of one test. Its methods are safe for
// concurrent use.
type Cluster struct {
	nodes []*Server
}

// RunCluster runs a cluster of n servers, three or five say, for one test, and
// stops it when the test ends. It returns when the cluster takes streams of n
// replicas: all nodes are connected, and have elected who leads. A cluster that
// cannot be started fails the test.
func RunCluster(tb testing.TB, n int, options ...Option) *Cluster {
	tb.Helper()
	if n < 2 {
		tb.Fatalf("natstest: a cluster of %d servers: it needs two at least, and three to outlive one", n)
	}
	c := &Cluster{runAll(tb, n, collect(options))}
	ctx, cancel := context.WithTimeout(tb.Context(), startLimit)
	defer cancel()
	if err := c.waitPlaces(ctx); err != nil {
		tb.Fatalf("natstest: start a NATS cluster of %d: %v", n, err)
	}
	return c
}

// URL names all nodes, as in nats://127.0.0.1:23456,127.0.0.1:23457. It has the
// user and password of the option [User] once, at its beginning; nats.go takes
// them for the first node alone, and needs nats.UserInfo for the others.
func (c *Cluster) URL() string {
	url := c.nodes[0].URL()
	for _, s := range c.nodes[1:] {
		url += "," + loopback(s.ports.client)
	}
	return url
}

// Nodes returns the servers, whether they run or not, always in the same order.
func (c *Cluster) Nodes() []*Server { return append([]*Server(nil), c.nodes...) }

// Leader returns the node that leads a stream, and waits until there is one. The
// stream of a key-value bucket is KV_ and the bucket's name.
func (c *Cluster) Leader(ctx context.Context, stream string) (*Server, error) {
	var leader *Server
	err := c.ask(ctx, func(ctx context.Context, js jetstream.JetStream) (err error) {
		leader, err = c.leader(ctx, js, stream)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("find the leader of the stream %s: %w", stream, err)
	}
	return leader, nil
}

// MetaLeader returns the node that leads the cluster itself, which creates, places
// and deletes streams and consumers. It waits until there is one.
func (c *Cluster) MetaLeader(ctx context.Context) (*Server, error) {
	var leader *Server
	err := poll(ctx, func(ctx context.Context) error {
		for _, s := range c.nodes {
			var now struct {
				Meta struct {
					Leader string `json:"leader"`
				} `json:"meta_cluster"`
			}
			// Only what a node says of itself: others may not know that it is gone.
			if body, err := monitor(ctx, s.ports.monitor, "/jsz"); err != nil || json.Unmarshal(body, &now) != nil {
				continue
			}
			if now.Meta.Leader == s.name {
				leader = s
				return nil
			}
		}
		return errors.New("no node that runs says that it leads")
	})
	if err != nil {
		return nil, fmt.Errorf("find the leader of the cluster: %w", err)
	}
	return leader, nil
}

// StepDown makes the leader of a stream step down, and returns when the nodes have
// elected a leader: another one as a rule, which NATS doesn't promise.
func (c *Cluster) StepDown(ctx context.Context, stream string) error {
	if err := c.stepDown(ctx, "STREAM.LEADER.STEPDOWN."+stream); err != nil {
		return fmt.Errorf("make the leader of the stream %s step down: %w", stream, err)
	}
	_, err := c.Leader(ctx, stream)
	return err
}

// StepDownConsumer makes the leader of a consumer step down. It doesn't wait for
// the next.
func (c *Cluster) StepDownConsumer(ctx context.Context, stream, consumer string) error {
	if err := c.stepDown(ctx, "CONSUMER.LEADER.STEPDOWN."+stream+"."+consumer); err != nil {
		return fmt.Errorf("make the leader of the consumer %s of the stream %s step down: %w", consumer, stream, err)
	}
	return nil
}

// WaitCurrent returns when the cluster has a leader, and every node that runs has all
// that it is to hold: some time after a node has gone down, or come back with
// [Server.Restart]. Before, requests may be refused.
func (c *Cluster) WaitCurrent(ctx context.Context) error {
	if _, err := c.MetaLeader(ctx); err != nil {
		return err
	}
	for _, s := range c.nodes {
		if !s.runs() {
			continue
		}
		if err := s.waitHealthy(ctx); err != nil {
			return fmt.Errorf("wait until all nodes are current: %w", err)
		}
	}
	return nil
}

// waitPlaces returns when a stream can have a replica on each node. A node that
// has just joined is not counted before it has told what space it has.
func (c *Cluster) waitPlaces(ctx context.Context) error {
	const name = "natstest"
	return c.ask(ctx, func(ctx context.Context, js jetstream.JetStream) error {
		_, err := js.CreateStream(ctx, jetstream.StreamConfig{
			Name: name, Replicas: len(c.nodes), Storage: jetstream.MemoryStorage,
		})
		if err != nil {
			return err
		}
		// An earlier try may have deleted it without an answer.
		if err := js.DeleteStream(ctx, name); !errors.Is(err, jetstream.ErrStreamNotFound) {
			return err
		}
		return nil
	})
}

// leader returns the node that leads a stream, or an error if there is none yet.
func (c *Cluster) leader(ctx context.Context, js jetstream.JetStream, stream string) (*Server, error) {
	found, err := js.Stream(ctx, stream)
	if err != nil {
		return nil, err
	}
	if at := found.CachedInfo().Cluster; at != nil {
		for _, s := range c.nodes {
			if s.name == at.Leader {
				return s, nil
			}
		}
	}
	return nil, errors.New("it has no leader")
}

// stepDown sends a request of JetStream's API that makes a leader step down.
func (c *Cluster) stepDown(ctx context.Context, request string) error {
	return c.ask(ctx, func(ctx context.Context, js jetstream.JetStream) error {
		m, err := js.Conn().RequestWithContext(ctx, "$JS.API."+request, nil)
		if err != nil {
			return err
		}
		var answer struct {
			Success bool                `json:"success"`
			Error   *jetstream.APIError `json:"error"`
		}
		if err := json.Unmarshal(m.Data, &answer); err != nil {
			return err
		}
		if answer.Error != nil {
			return answer.Error
		}
		if !answer.Success {
			return errors.New("it was not done")
		}
		return nil
	})
}

// ask tries something on a connection to any node until it succeeds: while a
// leader is elected JetStream answers with errors, or not at all.
func (c *Cluster) ask(ctx context.Context, try func(context.Context, jetstream.JetStream) error) error {
	return poll(ctx, func(ctx context.Context) error {
		options := []nats.Option{nats.NoReconnect()}
		if s := c.nodes[0].settings; s.user != "" {
			options = append(options, nats.UserInfo(s.user, s.password))
		}
		nc, err := nats.Connect(c.URL(), options...)
		if err != nil {
			return err
		}
		defer nc.Close()
		js, err := jetstream.New(nc)
		if err != nil {
			return err
		}
		return try(ctx, js)
	})
}
