package emit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/gobindery/bindery/pubsub"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// broker is an adapter that only publishes. A test says what becomes of each
// publish.
type broker struct {
	pubsub.Adapter
	publish func(n int, p *pubsub.Publication) // n counts from 1

	mu  sync.Mutex
	got []string
}

func (b *broker) Publish(_ context.Context, p *pubsub.Publication) {
	b.mu.Lock()
	b.got = append(b.got, string(p.Message.Body))
	n := len(b.got)
	b.mu.Unlock()
	b.publish(n, p)
}

func (b *broker) bodies() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.got)
}

// newStream returns a stream to b, and the warnings that it gives.
func newStream(b *broker) (*stream, *[]string) {
	front := pubsub.New(b, nil)
	var warnings []string
	return &stream{
		publish: func(ctx context.Context, body []byte) pubsub.Confirmation {
			return front.PublishAsync(ctx, "logs", "", pubsub.Message{Body: body})
		},
		warn:   func(w string) { warnings = append(warnings, w) },
		window: window{most: 1 << 20},
	}, &warnings
}

// numbered are lines "1" to n.
func numbered(n int) (text string, lines []string) {
	for i := range n {
		lines = append(lines, fmt.Sprint(i+1))
	}
	return strings.Join(lines, "\n") + "\n", lines
}

// TestConnectionLost: what is unknown is sent again in its order, what is confirmed
// isn't.
func TestConnectionLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &broker{publish: func(n int, p *pubsub.Publication) {
			switch {
			case n > 10 && n <= 20 && n%2 == 0, n == 31, n > 50 && n <= 70:
				p.Confirm(fmt.Errorf("%w: connection reset", pubsub.ErrUnconfirmed))
			default:
				p.Confirm(nil)
			}
		}}
		s, warnings := newStream(b)
		text, lines := numbered(1000)
		if err := s.run(t.Context(), strings.NewReader(text)); err != nil {
			t.Fatal(err)
		}
		got := b.bodies()
		// All were in flight when the first outcome was looked at: 26 unknown.
		var again []string
		for _, n := range []int{12, 14, 16, 18, 20, 31} {
			again = append(again, fmt.Sprint(n))
		}
		for n := 51; n <= 70; n++ {
			again = append(again, fmt.Sprint(n))
		}
		if want := append(lines, again...); !slices.Equal(got, want) {
			t.Errorf("sent %v, want each line, and then again %v", got, again)
		}
		if s.sent.Load() != 1000 || s.confirmed.Load() != 1000 {
			t.Errorf("%d sent, %d confirmed, want 1000 of each", s.sent.Load(), s.confirmed.Load())
		}
		if want := []string{"the connection was lost; lines whose outcome is unknown are sent again, and may arrive twice"}; !slices.Equal(*warnings, want) {
			t.Errorf("said %q, want it once", *warnings)
		}
	})
}

// TestBrokerAway: a broker that stays away is tried after longer and longer
// pauses, at last every two seconds.
func TestBrokerAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var times []time.Duration
		began := time.Now()
		b := &broker{}
		b.publish = func(n int, p *pubsub.Publication) {
			times = append(times, time.Since(began))
			if n < 10 {
				p.Confirm(fmt.Errorf("%w: connection refused", pubsub.ErrUnavailable))
				return
			}
			p.Confirm(nil)
		}
		s, _ := newStream(b)
		if err := s.run(t.Context(), strings.NewReader("one\n")); err != nil {
			t.Fatal(err)
		}
		var want []time.Duration
		for _, ms := range []int{0, 50, 150, 350, 750, 1550, 3150, 5150, 7150, 9150} {
			want = append(want, time.Duration(ms)*time.Millisecond)
		}
		if !slices.Equal(times, want) {
			t.Errorf("tried at %v, want %v", times, want)
		}
	})
}

// TestInFlight: a broker that confirms nothing gets so many lines and bytes, no
// more.
func TestInFlight(t *testing.T) {
	for _, c := range []struct {
		name       string
		line       int // bytes
		want       int // lines in flight
		andThenAll int // lines altogether
	}{
		{"lines", 1, windowLines, 5000},
		{"bytes", 256 << 10, 4, 20},
		{"a line longer than the window", 1<<20 + 1, 1, 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				var waiting []*pubsub.Publication
				confirming := false
				b := &broker{publish: func(_ int, p *pubsub.Publication) {
					mu.Lock()
					defer mu.Unlock()
					if confirming {
						p.Confirm(nil)
						return
					}
					waiting = append(waiting, p)
				}}
				s, _ := newStream(b)
				line := append(bytes.Repeat([]byte("x"), c.line), '\n')
				done := make(chan error)
				go func() { done <- s.run(t.Context(), &repeat{line: line, n: c.andThenAll}) }()
				synctest.Wait()
				if got := int(s.sent.Load()); got != c.want {
					t.Errorf("%d lines are in flight, want %d", got, c.want)
				}
				// Confirms may come in any order.
				mu.Lock()
				confirming = true
				slices.Reverse(waiting)
				for _, p := range waiting {
					p.Confirm(nil)
				}
				mu.Unlock()
				if err := <-done; err != nil || int(s.confirmed.Load()) != c.andThenAll {
					t.Errorf("%d lines were confirmed, error %v; want %d", s.confirmed.Load(), err, c.andThenAll)
				}
			})
		})
	}
}

// repeat is an input of n equal lines.
type repeat struct {
	line []byte
	n    int
	at   int
}

func (r *repeat) Read(b []byte) (int, error) {
	if r.n == 0 {
		return 0, io.EOF
	}
	n := copy(b, r.line[r.at:])
	if r.at += n; r.at == len(r.line) {
		r.at = 0
		r.n--
	}
	return n, nil
}

// TestFirstFailure: the line that is named is the first one in the input, though
// its outcome comes last; what is in flight still counts.
func TestFirstFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var early *pubsub.Publication
		b := &broker{publish: func(n int, p *pubsub.Publication) {
			switch n {
			case 3:
				early = p
			case 5:
				p.Confirm(fmt.Errorf("%w: the queue is full", pubsub.ErrRefused))
			case 8:
				p.Confirm(fmt.Errorf("%w: gone", pubsub.ErrUnconfirmed))
			case 10:
				p.Confirm(nil)
				early.Confirm(fmt.Errorf("%w: no queue matches", pubsub.ErrUnroutable))
			default:
				p.Confirm(nil)
			}
		}}
		s, _ := newStream(b)
		text, _ := numbered(10)
		err := s.run(t.Context(), strings.NewReader(text))
		if !errors.Is(err, pubsub.ErrUnroutable) {
			t.Fatalf("got %v, want an error that wraps %v", err, pubsub.ErrUnroutable)
		}
		want := `7 of 10 messages sent were confirmed; the first to fail was line 3: publish to exchange "logs": with key "": unroutable: no queue matches; bind a queue that matches, or publish without Mandatory`
		if err.Error() != want {
			t.Errorf("got the error\n%v\nwant\n%v", err, want)
		}
	})
}

// TestFailureWhileSendingAgain: a line that is refused ends the stream there too.
func TestFailureWhileSendingAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &broker{publish: func(n int, p *pubsub.Publication) {
			switch n {
			case 1, 2, 4:
				p.Confirm(fmt.Errorf("%w: gone", pubsub.ErrUnconfirmed))
			case 6: // line 2 again
				p.Confirm(fmt.Errorf("%w: no exchange \"logs\"", pubsub.ErrNotFound))
			default:
				p.Confirm(nil)
			}
		}}
		s, _ := newStream(b)
		text, _ := numbered(4)
		err := s.run(t.Context(), strings.NewReader(text))
		want := `3 of 4 messages sent were confirmed; the first to fail was line 2: publish to exchange "logs": with key "": not found: no exchange "logs"; declare it first`
		if err == nil || err.Error() != want {
			t.Errorf("got the error\n%v\nwant\n%v", err, want)
		}
	})
}

// TestInterrupted: the outcomes of what was sent are waited for, for a while.
func TestInterrupted(t *testing.T) {
	for _, c := range []struct {
		name    string
		confirm bool
		want    string
		took    time.Duration
	}{
		{"confirmed", true, "3 of 3 messages sent were confirmed; interrupted before the end of the input", time.Second},
		{"not confirmed", false, "0 of 3 messages sent were confirmed; interrupted before the end of the input", interruptedWait},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				in, out := io.Pipe()
				ctx, interrupt := context.WithCancel(t.Context())
				var waiting []*pubsub.Publication
				b := &broker{publish: func(_ int, p *pubsub.Publication) { waiting = append(waiting, p) }}
				s, _ := newStream(b)
				done := make(chan error)
				go func() { done <- s.run(ctx, in) }()
				io.WriteString(out, "one\ntwo\nthree\nhal")
				synctest.Wait()
				began := time.Now()
				interrupt()
				if c.confirm {
					time.Sleep(time.Second) // the bubble's time
					for _, p := range waiting {
						p.Confirm(nil)
					}
				}
				if err := <-done; err == nil || err.Error() != c.want {
					t.Errorf("got the error %v, want %s", err, c.want)
				}
				if took := time.Since(began); took != c.took {
					t.Errorf("it took %v, want %v", took, c.took)
				}
				out.Close() // ends the reader
			})
		})
	}
}
