package rabbitmq_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobindery/bindery/adapters/rabbitmq"
	"github.com/gobindery/bindery/pubsub"
)

// patience is how long a test waits for what must come.
const patience = 30 * time.Second

// tester is a Broker on RabbitMQ whose errors fail the test.
type tester struct {
	*testing.T
	*pubsub.Broker
	ctx context.Context
	log *logged
}

func open(t *testing.T, url string, o *rabbitmq.Options) *tester {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*patience)
	t.Cleanup(cancel)
	if o == nil {
		o = &rabbitmq.Options{}
	}
	log := &logged{}
	o.Logger = slog.New(slog.NewTextHandler(log, nil))
	c, err := rabbitmq.Open(ctx, url, o)
	if err != nil {
		t.Fatal(err)
	}
	b := pubsub.New(c, nil)
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("the adapter's log:\n%s", log)
		}
	})
	return &tester{T: t, Broker: b, ctx: ctx, log: log}
}

// logged is a log to look at.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (t *tester) ok(err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// fails checks that err wraps the sentinel and says all of the words.
func fails(t testing.TB, err, sentinel error, words ...string) {
	t.Helper()
	if !errors.Is(err, sentinel) {
		t.Errorf("got error %v; want one that is %q", err, sentinel)
		return
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("got error %q; want %q in it", err, w)
		}
	}
}

func (t *tester) queue(q pubsub.Queue) string {
	t.Helper()
	name, err := t.DeclareQueue(t.ctx, q)
	t.ok(err)
	return name
}

func (t *tester) exchange(e pubsub.Exchange) {
	t.Helper()
	t.ok(t.DeclareExchange(t.ctx, e))
}

func (t *tester) bind(b pubsub.Binding) {
	t.Helper()
	t.ok(t.Bind(t.ctx, b))
}

func (t *tester) publish(exchange, key, body string) {
	t.Helper()
	t.ok(t.Publish(t.ctx, exchange, key, pubsub.Message{Body: []byte(body)}))
}

func (t *tester) consume(queue string, o *pubsub.ConsumeOptions) *pubsub.Consumer {
	t.Helper()
	c, err := t.Consume(t.ctx, queue, o)
	t.ok(err)
	return c
}

// next receives a delivery, which must have the body.
func (t *tester) next(c *pubsub.Consumer, body string) pubsub.Delivery {
	t.Helper()
	d, err := c.Receive(t.ctx)
	t.ok(err)
	if string(d.Body) != body {
		t.Fatalf("received %q; want %q", d.Body, body)
	}
	return d
}

// eventually waits until cond holds.
func (t *tester) eventually(what string, cond func() bool) {
	t.Helper()
	end := time.Now().Add(patience)
	for !cond() {
		if time.Now().After(end) {
			t.Fatalf("waited %v in vain for %s", patience, what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// reconnected waits until the connection for consuming was back so many times.
func (t *tester) reconnected(times int) {
	t.Helper()
	t.eventually("the reconnect", func() bool {
		return strings.Count(t.log.String(), `"reconnected to RabbitMQ" connection=consuming`) == times
	})
}

// switchboard dials like a net.Dialer, and can cut and refuse connections.
type switchboard struct {
	mu    sync.Mutex
	conns []net.Conn
	off   bool
}

func (s *switchboard) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.off {
		return nil, errors.New("switched off")
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
	if err == nil {
		s.conns = append(s.conns, conn)
	}
	return conn, err
}

// cut closes all connections, as a network failure would.
func (s *switchboard) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		c.Close()
	}
	s.conns = nil
}

func (s *switchboard) set(off bool) {
	s.mu.Lock()
	s.off = off
	s.mu.Unlock()
}
