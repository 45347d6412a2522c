package rabbitmq

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// A link is one AMQP connection that is opened again, for ever, when it is
// lost. A Conn has two: RabbitMQ stops reading from a connection that
// publishes too fast, and acks on the same one would wait behind that.
type link struct {
	role     string // "publishing" or "consuming", for the log
	log      *slog.Logger
	maxPause time.Duration // between attempts

	// dial opens a session. The context bounds the attempt.
	dial func(ctx context.Context) (*session, error)

	// prepare makes a session ready before anybody gets it. An error ends the
	// session, and counts as a failed attempt.
	prepare func(ctx context.Context, s *session) error

	// lost is told when a session that was ready is gone for good.
	lost func(s *session)

	ctx    context.Context // ends when the link is closed
	cancel context.CancelFunc
	done   chan struct{} // closed when run has returned

	mu      sync.Mutex
	open    *session      // nil while there is none
	changed chan struct{} // closed and replaced when open or why changes
	why     error         // why there is none
}

// session is one AMQP connection from its opening to its end.
type session struct {
	conn  *amqp.Connection
	wire  *mergeConn
	idle  channels
	ended chan struct{} // closed once amqp091-go has closed all of its channels
	why   error         // set before ended is closed

	blocked atomic.Pointer[string] // why RabbitMQ takes no publishes now; nil if it does
}

// lostErr is why the session ended, for what was under way.
func (s *session) lostErr() error {
	select {
	case <-s.ended:
		return lostError(s.why)
	default:
		return lostError(nil)
	}
}

// alive reports whether the session can still be used, as far as known.
func (s *session) alive() bool { return !s.conn.IsClosed() }

// How long to wait between attempts to connect: the first is made at once, the
// next after about minPause, and each pause is twice the one before.
const (
	minPause        = 100 * time.Millisecond
	defaultMaxPause = 5 * time.Second

	// steady is how long a session lasts that was no failed attempt.
	steady = 2 * time.Second
)

// start opens the link. Its error is why the first attempt failed.
func (l *link) start(ctx context.Context) error {
	l.ctx, l.cancel = context.WithCancel(context.Background())
	l.changed = make(chan struct{})
	l.done = make(chan struct{})
	s, err := l.attempt(ctx)
	if err != nil {
		l.cancel()
		close(l.done)
		return err
	}
	l.set(s, nil)
	go l.run(s)
	return nil
}

func (l *link) attempt(ctx context.Context) (*session, error) {
	s, err := l.dial(ctx)
	if err != nil {
		return nil, err
	}
	if err := l.prepare(ctx, s); err != nil {
		s.end()
		return nil, err
	}
	return s, nil
}

// run follows sessions until the link is closed.
func (l *link) run(s *session) {
	defer close(l.done)
	failed := 0 // attempts without a steady session since
	for {
		opened := time.Now()
		<-s.ended
		l.set(nil, lostError(s.why))
		l.lost(s)
		if l.ctx.Err() != nil {
			return
		}
		l.log.Warn("connection to RabbitMQ lost; reconnecting", "connection", l.role, "error", reason(s.why))
		if time.Since(opened) >= steady {
			failed = 0
		}
		if s = l.reconnect(&failed); s == nil {
			return
		}
		l.log.Info("reconnected to RabbitMQ", "connection", l.role)
		l.set(s, nil)
	}
}

// reconnect tries until it succeeds, or returns nil when the link is closed.
func (l *link) reconnect(failed *int) *session {
	for ; ; *failed++ {
		if *failed > 0 && !sleep(l.ctx, pause(*failed, l.maxPause)) {
			return nil
		}
		s, err := l.attempt(l.ctx)
		if l.ctx.Err() != nil {
			if err == nil {
				s.end()
				l.lost(s)
			}
			return nil
		}
		if err == nil {
			*failed++
			return s
		}
		l.log.Warn("reconnecting to RabbitMQ failed; trying again", "connection", l.role, "error", err)
		l.set(nil, err)
	}
}

// pause is how long to wait after so many failed attempts. It has jitter, so
// that the clients of a broker that comes back don't all come at once.
func pause(failed int, most time.Duration) time.Duration {
	p := most
	if failed < 8 {
		p = min(minPause<<(failed-1), most)
	}
	return p/2 + rand.N(p/2)
}

// sleep waits for d and reports whether ctx still goes on.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (l *link) set(s *session, why error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open, l.why = s, why
	close(l.changed)
	l.changed = make(chan struct{})
}

// get returns the open session, waiting for one.
func (l *link) get(ctx context.Context) (*session, error) {
	for {
		l.mu.Lock()
		s, changed, why := l.open, l.changed, l.why
		l.mu.Unlock()
		if l.ctx.Err() != nil {
			return nil, errClosed
		}
		if s != nil && s.alive() {
			return s, nil
		}
		select {
		case <-changed:
		case <-l.ctx.Done():
		case <-ctx.Done():
			if why == nil {
				return nil, gaveUp(ctx, "waiting for the connection")
			}
			return nil, gaveUp(ctx, fmt.Sprintf("not connected (%v)", why))
		}
	}
}

// closeLimit is how long the last handshake of a connection may take.
const closeLimit = 5 * time.Second

// close ends the link and waits for its goroutine.
func (l *link) close() {
	l.mu.Lock()
	l.cancel()
	s := l.open
	l.mu.Unlock()
	if s != nil {
		s.end()
	}
	<-l.done
}

// end closes the connection in good order, and waits until it is closed.
func (s *session) end() {
	limit := closeLimit
	if s.blocked.Load() != nil {
		limit = flushLimit // RabbitMQ doesn't read from it, so won't answer
	}
	// Not CloseDeadline: amqp091-go's heartbeat may set another deadline after
	// it.
	cut := time.AfterFunc(limit, func() { s.wire.Conn.Close() })
	defer cut.Stop()
	// The error is that the connection is gone already, which is what we want.
	_ = s.conn.Close()
	<-s.ended
}
