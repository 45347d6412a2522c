package natstest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// embedded is a server in this process.
type embedded struct {
	*server.Server
	log    *tail
	failed context.Context // done once it has said why it cannot go on
}

// startEmbedded starts a server in this process and doesn't wait for it.
func startEmbedded(config string) (*embedded, error) {
	opts, err := server.ProcessConfigFile(config)
	if err != nil {
		return nil, err
	}
	opts.NoSigs = true // signals are for the test process
	s, err := server.NewServer(opts)
	if err != nil {
		return nil, err
	}
	e := &embedded{Server: s, log: &tail{limit: 16 << 10}}
	failed, fail := context.WithCancelCause(context.Background())
	e.failed = failed
	s.SetLogger(&logger{e.log, fail}, false, false)
	s.Start()
	return e, nil
}

func (e *embedded) ended() <-chan struct{} { return e.failed.Done() }
func (e *embedded) output() string         { return e.log.String() }

// shutdown stops the server and waits for its goroutines.
func (e *embedded) shutdown() error {
	e.Shutdown()
	e.WaitForShutdown()
	return nil
}

func (e *embedded) kill() error {
	return errors.New("it runs inside the test process, where it can only shut down; give it the option OwnProcess")
}

// logger keeps what a server says. The server's own would end this process
// with a fatal error.
type logger struct {
	tail *tail
	fail context.CancelCauseFunc
}

func (l *logger) line(level, format string, v []any) {
	if strings.HasPrefix(format, "Healthcheck failed") {
		return // an answer to us, given many times during a start
	}
	fmt.Fprintf(l.tail, "%s [%s] %s\n", time.Now().Format("15:04:05.000"), level, strings.TrimSpace(fmt.Sprintf(format, v...)))
}

func (l *logger) Noticef(format string, v ...any) { l.line("INF", format, v) }
func (l *logger) Warnf(format string, v ...any)   { l.line("WRN", format, v) }
func (l *logger) Errorf(format string, v ...any)  { l.line("ERR", format, v) }
func (l *logger) Debugf(format string, v ...any)  { l.line("DBG", format, v) }
func (l *logger) Tracef(format string, v ...any)  { l.line("TRC", format, v) }
func (l *logger) Fatalf(format string, v ...any) {
	l.line("FTL", format, v)
	l.fail(fmt.Errorf(format, v...))
}
