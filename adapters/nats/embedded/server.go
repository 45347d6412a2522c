package embedded

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nuid"
)

// largest is the largest message that the server takes, in bytes: the most that goes with
// its default of what may wait to be written to a client.
const largest = 32 << 20

// startTimeout bounds the start of the server. Large stores take seconds.
const startTimeout = 5 * time.Minute

// running is a server in this process.
type running struct {
	server *server.Server
	url    *url.URL // with the token
	lock   *os.File
}

// startServer runs a server whose files are in a folder.
func startServer(path string, o *Options) (*running, error) {
	token := nuid.Next() + nuid.Next()
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, Authorization: token,
		JetStream: true, StoreDir: path, SyncAlways: o.SyncAlways, MaxPayload: largest,
		NoSigs: true, // signals are for the program
	})
	if err != nil {
		return nil, fmt.Errorf("start the embedded NATS server: %w", err)
	}
	log := o.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	l := &logger{log: log.With("from", "embedded NATS server")}
	s.SetLoggerV2(l, false, false, false)
	s.Start()
	r := &running{server: s}
	if err := l.failure(); err != nil {
		r.stop()
		return nil, fmt.Errorf("start the embedded NATS server: %w", err)
	}
	if !s.ReadyForConnections(startTimeout) {
		r.stop()
		return nil, errors.Join(fmt.Errorf("start the embedded NATS server: it was not ready after %v", startTimeout), l.failure())
	}
	r.url = &url.URL{Scheme: "nats", User: url.User(token), Host: s.Addr().String()}
	return r, nil
}

// stop ends the server, which writes what it has, and lets another process run one.
func (r *running) stop() {
	r.server.Shutdown()
	r.server.WaitForShutdown()
	if r.lock != nil {
		r.lock.Close()
	}
}

// logger passes on what a server says that a program's log should have. The server's own
// would end the process with a fatal error.
type logger struct {
	log *slog.Logger

	mu    sync.Mutex
	fatal error
}

func (l *logger) failure() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.fatal
}

func text(format string, v []any) string { return strings.TrimSpace(fmt.Sprintf(format, v...)) }

func (l *logger) Noticef(format string, v ...any) { l.log.Debug(text(format, v)) }
func (l *logger) Warnf(format string, v ...any)   { l.log.Info(text(format, v)) }
func (l *logger) Errorf(format string, v ...any)  { l.log.Warn(text(format, v)) }
func (l *logger) Debugf(string, ...any)           {}
func (l *logger) Tracef(string, ...any)           {}

func (l *logger) Fatalf(format string, v ...any) {
	l.log.Error(text(format, v))
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fatal = errors.New(text(format, v))
}
