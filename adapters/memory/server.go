package memory

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gobindery/bindery/pubsub"
	"github.com/gobindery/bindery/pubsub/classic"
	"github.com/gobindery/bindery/pubsub/routing"
)

// Server is a broker in memory: what RabbitMQ is to its connections. Several connections may
// share it; exclusive queues belong to one of them. It runs no goroutine, and
// ends when nothing refers to it. All methods are safe for concurrent use.
type Server struct {
	mu     sync.Mutex
	vhosts map[string]*vhost
	clock  clock
	start  time.Time // the zero of now
}

// NewServer returns an empty server. Its times run by the time package's clock.
func NewServer() *Server { return newServer(machineClock{}) }

// NewServerAt returns an empty server whose times run by a clock that a test
// moves, for programs that can't run under testing/synctest, as those that
// use a network.
func NewServerAt(c *ManualClock) *Server { return newServer(c) }

func newServer(c clock) *Server {
	return &Server{vhosts: make(map[string]*vhost), clock: c, start: c.Now()}
}

// ConnectOptions are for one connection. Nil is the same as the zero value.
type ConnectOptions struct {
	// VHost is the vhost to use; each has exchanges and queues of its own. It
	// is made when it is first named. Empty is "/".
	VHost string

	// User is who a message's UserID must be, if it is set. Empty is "guest".
	User string
}

// Connect opens a connection. Options may be nil.
func (s *Server) Connect(o *ConnectOptions) *Conn {
	var opts ConnectOptions
	if o != nil {
		opts = *o
	}
	if opts.VHost == "" {
		opts.VHost = "/"
	}
	if opts.User == "" {
		opts.User = "guest"
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.vhosts[opts.VHost]
	if !ok {
		v = &vhost{server: s, name: opts.VHost}
		v.table.Store(routing.New[*queue]())
		s.vhosts[opts.VHost] = v
	}
	return &Conn{vhost: v, user: opts.User, consumers: make(map[*consumer]struct{}), got: make(map[uint64]gotEntry)}
}

// Scheme returns what a [pubsub.Mux] needs to open connections to s by URL:
// "memory:" for the vhost "/", "memory:NAME" for another.
func (s *Server) Scheme() pubsub.Scheme {
	return pubsub.Scheme{
		Example: "memory:",
		Open: func(_ context.Context, u *url.URL, _ *slog.Logger) (pubsub.Adapter, error) {
			if u.Host != "" || u.User != nil {
				return nil, fmt.Errorf("%w: a memory URL has no host; use memory: or memory:VHOST", pubsub.ErrInvalid)
			}
			name, err := url.PathUnescape(strings.TrimPrefix(u.Opaque+u.EscapedPath(), "/"))
			if err != nil {
				return nil, fmt.Errorf("%w: malformed vhost: %w", pubsub.ErrInvalid, err)
			}
			return s.Connect(&ConnectOptions{VHost: name}), nil
		},
	}
}

// never is a time that does not come, on the server's clock.
const never = int64(1<<63 - 1)

// now is the time on the server's clock, in nanoseconds.
func (s *Server) now() int64 { return int64(s.clock.since(s.start)) }

// vhost is a namespace of exchanges and queues.
//
// Lock order: Conn.mu, vhost.mu, deadLetters.sending, queue.mu, deadLetters.mu,
// acks.mu, share.mu, ManualClock.mu. No two queues are locked at once: what one queue has for others, as
// dead letters, is gathered under its lock and sent when that is free.
type vhost struct {
	server *Server
	name   string

	// mu serializes changes of the topology: of table, and of which consumers a queue has.
	mu sync.Mutex

	// table is what publishers route by, without a lock. Written under mu.
	table atomic.Pointer[routing.Table[*queue]]

	dead deadLetters
}

// queue returns a queue by name, for a connection that may use it.
func (v *vhost) queue(name string, by *Conn) (*queue, error) {
	q, ok := v.table.Load().Queue(name)
	if !ok {
		return nil, fmt.Errorf("%w: no queue '%s' in vhost '%s'", pubsub.ErrNotFound, name, v.name)
	}
	if q.owner != nil && q.owner != by {
		return nil, classic.Locked(name, v.name)
	}
	return q, nil
}
