package emit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/gobindery/bindery/pubsub"
)

// interruptedWait is how long an interrupted stream waits for the outcomes of
// what it has sent.
const interruptedWait = 5 * time.Second

// A broker that keeps failing is tried again after pauses that grow from
// minPause to maxPause.
const (
	minPause = 50 * time.Millisecond
	maxPause = 2 * time.Second
)

// stream publishes lines, many in flight, and sends those again whose outcome
// is unknown. Only the goroutine in run uses it, but for the two counters.
type stream struct {
	publish func(ctx context.Context, body []byte) pubsub.Confirmation
	warn    func(text string)
	drops   bool // a message that no queue gets is none that failed

	sent      atomic.Int64 // lines, each counted once
	confirmed atomic.Int64

	window window
	warned bool // the user knows that lines may arrive twice

	pause       time.Duration // the last one before sending again
	confirmedAt int64         // what confirmed was at that time
}

// failure is a line that won't be confirmed.
type failure struct {
	line int64
	err  error
}

func (f *failure) Error() string {
	return fmt.Sprintf("the first to fail was line %d: %v", f.line, f.err)
}

func (f *failure) Unwrap() error { return f.err }

// run publishes each line of in until that ends, a line fails, or ctx ends, and
// waits for the outcomes. The error tells how many lines were confirmed.
func (s *stream) run(ctx context.Context, in io.Reader) error {
	err := s.sendAll(ctx, in)
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), interruptedWait)
		defer cancel()
		err = errors.New("interrupted before the end of the input")
	}
	// What is in flight has its outcome soon: it counts, but isn't sent again.
	for ; s.window.n > 0; s.window.pop() {
		if s.window.at(0).outcome.Wait(ctx) == nil {
			s.confirmed.Add(1)
		}
	}
	return fmt.Errorf("%d of %d messages sent were confirmed; %w", s.confirmed.Load(), s.sent.Load(), err)
}

func (s *stream) sendAll(ctx context.Context, in io.Reader) error {
	lines := readLines(in, maxLine)
	defer lines.stop()
	for {
		var first <-chan struct{} // the outcome of the first in flight
		if s.window.n > 0 {
			first = s.window.at(0).outcome.Done()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-first:
			if err := s.settle(ctx, 1); err != nil {
				return err
			}
		case c := <-lines.chunks:
			if err := s.send(ctx, c.data); err != nil {
				return err
			}
			switch c.err {
			case nil:
				lines.recycle(c.data)
			case io.EOF:
				return s.settle(ctx, windowLines)
			default:
				if err := s.settle(ctx, windowLines); err != nil {
					return err
				}
				return fmt.Errorf("line %d can't be read from standard input: %w", s.sent.Load()+1, c.err)
			}
		}
	}
}

// one publishes one message, and waits for its outcome.
func (s *stream) one(ctx context.Context, body []byte) error {
	p := s.window.push(s.sent.Add(1), body)
	p.outcome = s.publish(ctx, p.body)
	err := s.settle(ctx, 1)
	if f, ok := errors.AsType[*failure](err); ok {
		return f.err
	}
	if err != nil && ctx.Err() != nil {
		return s.window.at(0).outcome.Wait(ctx) // it says what is not known
	}
	return err
}

// send publishes lines.
func (s *stream) send(ctx context.Context, data []byte) error {
	for len(data) > 0 {
		line, rest, _ := bytes.Cut(data, []byte("\n"))
		data = rest
		for s.window.full(len(line)) {
			// Half of them at a time, so that the rest is on its way meanwhile.
			if err := s.settle(ctx, max(1, s.window.n/2)); err != nil {
				return err
			}
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		p := s.window.push(s.sent.Add(1), line)
		p.outcome = s.publish(ctx, p.body)
	}
	return nil
}

// settle waits for the outcomes of the first n lines in flight, or of all if
// there are fewer.
func (s *stream) settle(ctx context.Context, n int) error {
	for ; n > 0 && s.window.n > 0; n-- {
		err := s.window.at(0).outcome.Wait(ctx)
		switch {
		case err == nil, s.dropped(err):
			s.confirmed.Add(1)
			s.window.pop()
		case ctx.Err() != nil:
			return ctx.Err()
		case unknown(err):
			if err := s.sendAgain(ctx); err != nil {
				return err
			}
		default:
			return s.fail(err)
		}
	}
	return nil
}

// dropped reports whether err says that no queue got a message, which the user
// then knows.
func (s *stream) dropped(err error) bool {
	if !s.drops || !errors.Is(err, pubsub.ErrUnroutable) {
		return false
	}
	s.warn("nobody is listening: no queue gets what is sent so, and the broker drops it")
	return true
}

// fail takes away the first line in flight, which failed.
func (s *stream) fail(err error) error {
	f := &failure{s.window.at(0).line, err}
	s.window.pop()
	return f
}

// unknown reports whether err leaves open if the message has arrived, or says
// that the broker can't be reached now: both mean to send it again.
func unknown(err error) bool {
	return errors.Is(err, pubsub.ErrUnconfirmed) || errors.Is(err, pubsub.ErrUnavailable)
}

// sendAgain waits for all outcomes, and publishes once more, in their order, the
// lines that have none.
func (s *stream) sendAgain(ctx context.Context) error {
	if !s.warned {
		s.warned = true
		s.warn("the connection was lost; lines whose outcome is unknown are sent again, and may arrive twice")
	}
	for range s.window.n {
		p := s.window.at(0)
		err := p.outcome.Wait(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil, s.dropped(err):
			s.confirmed.Add(1)
			s.window.pop()
		case unknown(err):
			s.window.rotate()
		default:
			return s.fail(err)
		}
	}
	if err := s.waitBeforeNext(ctx); err != nil {
		return err
	}
	for i := range s.window.n {
		p := s.window.at(i)
		p.outcome = s.publish(ctx, p.body)
	}
	return nil
}

// waitBeforeNext pauses if nothing was confirmed since the last time.
func (s *stream) waitBeforeNext(ctx context.Context) error {
	if n := s.confirmed.Load(); n > s.confirmedAt || s.pause == 0 {
		s.confirmedAt, s.pause = n, minPause
	} else {
		s.pause = min(2*s.pause, maxPause)
	}
	t := time.NewTimer(s.pause)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
