package nats

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"

	"github.com/gobindery/bindery/pubsub"
)

// Conn is one connection to a vhost on NATS: a [pubsub.Adapter] and
// [pubsub.Lister]. Safe for concurrent use.
//
// Lock order: topology.mu, Conn.mu, leader.mu, then feed.mu, subscription.mu or
// publisher.mu, of which none is held with another. Requests to JetStream are sent
// under topology.mu only.
type Conn struct {
	names    names
	id       string
	user     string
	replicas int
	storage  jetstream.StorageType // of what is durable
	log      *slog.Logger

	nc     *nats.Conn
	js     jetstream.JetStream
	api    string       // the prefix of JetStream's API
	level  atomic.Int64 // of JetStream's API
	limit  int          // the largest message of the server, in bytes
	offset atomic.Int64 // how far this clock is ahead of the server's, in nanoseconds

	topology  *topology
	publisher *publisher
	control   *control
	ingress   *ingress // nil without

	closing atomic.Bool   // Close was called: nothing new is begun
	ended   atomic.Bool   // all is given back
	done    chan struct{} // closed with ended
	running sync.WaitGroup

	violations violations

	claims claims // one claim of a queue's leadership at a time

	mu      sync.Mutex
	leaders map[string]*leader       // of the queues that are led here, by incarnation
	remotes map[string]string        // who leads others, as far as is known
	subs    map[uint64]*subscription // consumers and getters, by id
	getters map[string]*subscription // what Get handed out, by the queue's incarnation
	temp    *feed                    // of the exclusive queues; nil before the first
	owned   map[int]*leader          // the exclusive queues by number
	silent  map[string]time.Time     // connections that did not answer for deadAfter, and when that was
	watched map[string]bool          // the connections that are being asked whether they live
	lastID  uint64
	number  int // of the last exclusive queue
}

var (
	_ pubsub.Adapter = (*Conn)(nil)
	_ pubsub.Lister  = (*Conn)(nil)
)

// errClosed is the reason of every call after Close.
var errClosed = fmt.Errorf("%w: the connection to NATS was closed", pubsub.ErrClosed)

// newConn begins to use a connection of nats.go, which it closes in the end.
func newConn(ctx context.Context, nc *nats.Conn, s *settings, log *slog.Logger) (*Conn, error) {
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, err
	}
	c := &Conn{
		names: namesOf(s.vhost), id: nuid.Next(), user: s.user, replicas: s.replicas, storage: s.storage, log: log,
		nc: nc, js: js, api: "$JS.API.", limit: int(nc.MaxPayload()), done: make(chan struct{}),
		leaders: make(map[string]*leader), subs: make(map[uint64]*subscription),
		getters: make(map[string]*subscription), owned: make(map[int]*leader),
		remotes: make(map[string]string), watched: make(map[string]bool), silent: make(map[string]time.Time),
	}
	c.topology = newTopology(c)
	c.publisher = newPublisher(c)
	c.control = newControl(c)
	c.hearViolations()
	if err := c.start(ctx); err != nil {
		c.ended.Store(true)
		close(c.done)
		c.running.Wait()
		return nil, err
	}
	return c, nil
}

func (c *Conn) start(ctx context.Context) error {
	if err := c.checkServer(ctx); err != nil {
		return err
	}
	if err := c.topology.open(ctx); err != nil {
		return err
	}
	if err := c.checkNext(ctx, c.topology.view.revision); err != nil {
		return err
	}
	if err := c.measureClock(ctx); err != nil {
		return err
	}
	if err := c.control.start(); err != nil {
		return err
	}
	if err := c.checkPermissions(ctx); err != nil {
		return err
	}
	if err := c.publisher.start(); err != nil {
		return err
	}
	c.nc.SetReconnectHandler(c.reconnected)
	c.running.Go(c.tend)
	c.running.Go(c.sweep)
	return nil
}

// measureClock finds how this machine's clock differs from the server's, which
// stamps messages.
func (c *Conn) measureClock(ctx context.Context) error {
	return c.try(ctx, "ask for the time", func(ctx context.Context) error {
		var answer struct {
			Time time.Time `json:"ts"`
		}
		before := time.Now()
		if err := c.request(ctx, "STREAM.INFO."+c.names.bucketStream(), nil, &answer); err != nil {
			return err
		}
		after := time.Now()
		if !answer.Time.IsZero() { // servers before 2.10 don't tell
			c.offset.Store(int64(before.Add(after.Sub(before) / 2).Sub(answer.Time)))
		}
		return nil
	})
}

// serverTime is the time by the server's clock, about.
func (c *Conn) serverTime() time.Time { return time.Now().Add(-time.Duration(c.offset.Load())) }

func (c *Conn) warn(what string, err error, about ...any) {
	c.log.Warn(what, append([]any{"vhost", c.names.vhost, "error", err}, about...)...)
}

// background is a context that ends when the connection has ended.
func (c *Conn) background() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(context.Background())
	stop := make(chan struct{})
	c.running.Go(func() {
		select {
		case <-c.done:
			cancel(errClosed)
		case <-stop:
		}
	})
	var once sync.Once
	return ctx, func() { once.Do(func() { close(stop) }); cancel(nil) }
}

// topologyChanged is called with topology.mu held after the view has changed.
func (c *Conn) topologyChanged() {
	table := c.topology.view.table
	c.mu.Lock()
	var gone []*leader
	for _, l := range c.leaders {
		if q, ok := table.Queue(l.queue.name()); !ok || q.record.Incarnation != l.queue.record.Incarnation {
			gone = append(gone, l)
		}
	}
	var subs []*subscription
	for _, s := range c.subs {
		if q, ok := table.Queue(s.queue.name()); !ok || q.record.Incarnation != s.queue.record.Incarnation {
			subs = append(subs, s)
		}
	}
	c.mu.Unlock()
	for _, l := range gone {
		l.queueGone()
	}
	for _, s := range subs {
		s.queueGone()
	}
}

// tend does what has to be done every now and then.
func (c *Conn) tend() {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-c.done:
			return
		}
		c.publisher.retry()
		for _, f := range c.feeds() {
			f.tend()
		}
		c.watch()
	}
}

// feeds returns all feeds.
func (c *Conn) feeds() []*feed {
	c.mu.Lock()
	defer c.mu.Unlock()
	feeds := make([]*feed, 0, len(c.leaders)+1)
	if c.temp != nil {
		feeds = append(feeds, c.temp)
	}
	for _, l := range c.leaders {
		if l.feed != c.temp {
			feeds = append(feeds, l.feed)
		}
	}
	return feeds
}

// now is this machine's time.
func now() int64 { return time.Now().UnixNano() }
