package rabbitmq

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"sync/atomic"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/gobindery/bindery/pubsub"
)

// publisher sends publishes, by two lanes of one connection.
//
// The main lane takes all that can be expected to go well, many in flight. The
// trial lane takes one at a time: the first publish to each exchange, and what
// RabbitMQ may find fault with. An error there, which closes the channel,
// concerns only the publish that caused it.
type publisher struct {
	c    *Conn
	link *link
	log  *slog.Logger
	crew *crew // goroutines that Close waits for

	started atomic.Bool  // Open has succeeded: later connections follow a lost one
	frame   atomic.Int64 // the largest frame that the server takes, in bytes

	main atomic.Pointer[lane] // nil while there is none

	// trialMu is held by who publishes on the trial lane, until the outcome. It is
	// a channel, so that waiting for it ends with a context. It comes before a
	// lane's sending.
	trialMu chan struct{}
	trial   atomic.Pointer[lane] // nil until it is needed

	// good are the exchanges that took a publish on this connection. The map
	// is never changed, but replaced.
	good   atomic.Pointer[map[string]bool]
	goodMu sync.Mutex // held while it is replaced

	mu      sync.Mutex
	changed chan struct{} // closed and replaced when a lane or the connection comes or goes, or RabbitMQ blocks
	unsent  []flight      // what goes first by the next main lane
}

func newPublisher(c *Conn) *publisher {
	p := &publisher{c: c, log: c.log, crew: &c.running, trialMu: make(chan struct{}, 1), changed: make(chan struct{})}
	p.good.Store(&map[string]bool{})
	return p
}

// prepare opens the main lane of a new connection. It is link.prepare.
func (p *publisher) prepare(ctx context.Context, s *session) error {
	go p.watchBlocked(s, s.conn.NotifyBlocked(make(chan amqp.Blocking, 1)))
	p.frame.Store(int64(s.conn.Config.FrameSize))
	if p.started.Load() {
		// The broker may have been restarted. What was published before our
		// exchanges and queues are there again would be lost or fail.
		if err := p.c.restored(ctx); err != nil {
			return err
		}
	}
	p.good.Store(&map[string]bool{}) // exchanges may be gone, as the broker restarted
	return p.openMain(s)
}

// openMain makes a new main lane, and sends first what was left of the last.
func (p *publisher) openMain(s *session) error {
	l, err := newLane(s)
	if err != nil {
		return err
	}
	for {
		p.mu.Lock()
		if len(p.unsent) == 0 {
			if old := p.main.Swap(l); old != nil {
				old.cut()
			}
			p.wakeLocked()
			p.mu.Unlock()
			return nil
		}
		f := p.unsent[0]
		p.unsent = p.unsent[1:]
		p.mu.Unlock()
		p.address(&f)
		if err := l.send(f); err != nil {
			p.mu.Lock()
			p.unsent = append([]flight{f}, p.unsent...)
			p.mu.Unlock()
			l.cut()
			return lostError(nil)
		}
	}
}

// lost ends what was in flight. It is link.lost.
func (p *publisher) lost(*session) {
	for _, lane := range []*atomic.Pointer[lane]{&p.main, &p.trial} {
		if l := lane.Swap(nil); l != nil {
			l.cut()
		}
	}
	p.wake()
}

// idle is mergeConn.idle: the reading goroutine has dispatched all that came.
func (p *publisher) idle() {
	if l := p.trial.Load(); l != nil && !l.settle() && p.trial.CompareAndSwap(l, nil) {
		l.end() // one was in flight at most: nothing to send again
	}
	l := p.main.Load()
	if l == nil || l.settle() || !p.main.CompareAndSwap(l, nil) {
		return
	}
	again, why, exchange := l.end()
	p.setGood(exchange, false)
	p.mu.Lock()
	p.unsent = append(again, p.unsent...)
	p.mu.Unlock()
	p.log.Warn("a publish made RabbitMQ close the channel; opening another", "error", reason(why), "sent again", len(again))
	// A channel can't be opened here: the answer comes by this goroutine.
	p.crew.start(func() { p.reopen(l.s) })
}

// reopen replaces the main lane on a connection that lives.
func (p *publisher) reopen(s *session) {
	for s.alive() {
		err := p.openMain(s)
		if err == nil {
			// If the connection was lost meanwhile, lost may have been
			// called before there was this lane.
			if l := p.main.Load(); l != nil && l.s == s && !s.alive() && p.main.CompareAndSwap(l, nil) {
				l.cut()
			}
			return
		}
		p.log.Warn("opening a channel for publishing failed", "error", err)
		if !sleep(p.link.ctx, minPause) {
			return
		}
	}
	p.wake()
}

func (p *publisher) wake() {
	p.mu.Lock()
	p.wakeLocked()
	p.mu.Unlock()
}

func (p *publisher) wakeLocked() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// lane returns the main lane once it can take a publish.
func (p *publisher) lane(ctx context.Context) (*lane, error) {
	if ctx.Err() != nil {
		return nil, gaveUp(ctx, "not sent")
	}
	for {
		if l := p.main.Load(); l != nil && l.s.blocked.Load() == nil {
			if l.s.wire.buffered.Load() < softLimit {
				return l, nil
			}
			if l.s.wire.waitRoom(ctx) != nil {
				return nil, gaveUp(ctx, "not sent: the server doesn't read what was sent before")
			}
			continue
		}
		if err := p.wait(ctx); err != nil {
			return nil, err
		}
	}
}

// publish sends a publish, or gives it its outcome.
func (p *publisher) publish(ctx context.Context, pub *pubsub.Publication) error {
	if len(pub.Message.Headers) > 0 {
		if err := checkSize("header", pub.Message.Headers, int(p.frame.Load())); err != nil {
			return err
		}
	}
	f := flight{p: pub, key: pub.RoutingKey}
	for {
		if !(*p.good.Load())[pub.Exchange] || suspect(pub) {
			return p.try(ctx, f)
		}
		l, err := p.lane(ctx)
		if err != nil {
			return err
		}
		p.address(&f)
		if l.send(f) == nil {
			return nil
		}
		if err := p.gone(ctx, l); err != nil {
			return err
		}
	}
}

// address puts in the names that RabbitMQ knows now.
func (p *publisher) address(f *flight) {
	m := &p.c.names
	if f.p.Exchange == "" {
		f.key = m.current(f.p.RoutingKey)
	}
	if f.p.Message.ReplyTo != "" {
		f.p.Message.ReplyTo = m.current(f.p.Message.ReplyTo)
	}
}

// gone waits until l, which is closed, is known to be.
func (p *publisher) gone(ctx context.Context, l *lane) error {
	for {
		p.mu.Lock()
		changed := p.changed
		p.mu.Unlock()
		if p.main.Load() != l {
			return nil
		}
		select {
		case <-changed:
		case <-l.s.ended:
			return nil
		case <-ctx.Done():
			return gaveUp(ctx, "not sent: the channel was closed")
		}
	}
}

// setGood remembers whether an exchange took a publish.
func (p *publisher) setGood(exchange string, good bool) {
	p.goodMu.Lock()
	defer p.goodMu.Unlock()
	old := *p.good.Load()
	if old[exchange] == good {
		return
	}
	m := maps.Clone(old)
	if good {
		m[exchange] = true
	} else {
		delete(m, exchange)
	}
	p.good.Store(&m)
}

// close ends the connection, and gives an outcome to what has none.
func (p *publisher) close() {
	p.link.close()
	p.mu.Lock()
	unsent := p.unsent
	p.unsent = nil
	p.mu.Unlock()
	for i := range unsent {
		unsent[i].resolve(fmt.Errorf("not sent: %w", errClosed))
	}
}
