package pubsub

import (
	"context"
	"fmt"
	"sync"
)

// fakeAdapter is an Adapter that a test scripts: each function field stands in
// for a method, and a nil one succeeds with nothing.
type fakeAdapter struct {
	onPublish func(context.Context, *Publication) // nil: confirm at once
	onConsume func(string, ConsumeOptions) (Subscription, error)
	onGet     func(string, GetOptions) (Got, error)
	onDeclare func(Queue) (QueueInfo, error)
	onDelete  func(ctx context.Context, queue string) error
	onClose   func() error
	err       error // what the topology methods return

	mu    sync.Mutex
	calls []string // what was called, with its arguments
}

var _ Adapter = (*fakeAdapter)(nil)

func (f *fakeAdapter) called(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, fmt.Sprintf(format, args...))
}

// takeCalls returns the calls since the last time.
func (f *fakeAdapter) takeCalls() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	calls := f.calls
	f.calls = nil
	return calls
}

func (f *fakeAdapter) DeclareExchange(_ context.Context, e Exchange) error {
	f.called("declare exchange %s %s %v", e.Name, e.Kind, e.Arguments)
	return f.err
}

func (f *fakeAdapter) CheckExchange(_ context.Context, name string) error {
	f.called("check exchange %s", name)
	return f.err
}

func (f *fakeAdapter) DeleteExchange(_ context.Context, name string, o DeleteExchangeOptions) error {
	f.called("delete exchange %s %+v", name, o)
	return f.err
}

func (f *fakeAdapter) DeclareQueue(_ context.Context, q Queue) (QueueInfo, error) {
	f.called("declare queue %s %v", q.Name, q.Arguments)
	if f.onDeclare != nil {
		return f.onDeclare(q)
	}
	return QueueInfo{Name: q.Name}, f.err
}

func (f *fakeAdapter) InspectQueue(_ context.Context, name string) (QueueInfo, error) {
	f.called("inspect queue %s", name)
	return QueueInfo{Name: name, Ready: 3, Consumers: 2}, f.err
}

func (f *fakeAdapter) DeleteQueue(ctx context.Context, name string, o DeleteQueueOptions) (int, error) {
	f.called("delete queue %s %+v", name, o)
	if f.onDelete != nil {
		return 0, f.onDelete(ctx, name)
	}
	return 4, f.err
}

func (f *fakeAdapter) PurgeQueue(_ context.Context, name string) (int, error) {
	f.called("purge queue %s", name)
	return 5, f.err
}

func (f *fakeAdapter) Bind(_ context.Context, b Binding) error {
	f.called("bind %v", b)
	return f.err
}

func (f *fakeAdapter) Unbind(_ context.Context, b Binding) error {
	f.called("unbind %v", b)
	return f.err
}

func (f *fakeAdapter) Publish(ctx context.Context, p *Publication) {
	if f.onPublish != nil {
		f.onPublish(ctx, p)
		return
	}
	p.Confirm(nil)
}

func (f *fakeAdapter) Consume(_ context.Context, queue string, o ConsumeOptions) (Subscription, error) {
	f.called("consume %s %+v", queue, o)
	return f.onConsume(queue, o)
}

func (f *fakeAdapter) Get(_ context.Context, queue string, o GetOptions) (Got, error) {
	f.called("get %s %+v", queue, o)
	return f.onGet(queue, o)
}

func (f *fakeAdapter) Close() error {
	f.called("close")
	if f.onClose != nil {
		return f.onClose()
	}
	return nil
}

// consumes makes the adapter answer Consume with s.
func (f *fakeAdapter) consumes(s Subscription) *fakeAdapter {
	f.onConsume = func(string, ConsumeOptions) (Subscription, error) { return s, nil }
	return f
}

// fakeSub is a Subscription. A test pushes deliveries into it and looks at
// what became of them.
type fakeSub struct {
	autoAck   bool
	onSettle  func(settlement) error // before it is written down
	onHand    func()                 // when Receive has taken some
	cancelErr error                  // what Cancel returns, without an effect

	mu       sync.Mutex
	changed  chan struct{} // closed at each change of what Receive looks at
	lastTag  uint64
	ready    []Incoming // not handed over
	end      error
	settled  []settlement
	batches  []int // what Receive returned
	within   int   // goroutines in Receive
	canceled int   // how often
	closed   int
}

// settlement is one call of Settle.
type settlement struct {
	tag      uint64
	outcome  Outcome
	multiple bool
}

func (s settlement) String() string {
	if s.multiple {
		return fmt.Sprintf("%v through %d", s.outcome, s.tag)
	}
	return fmt.Sprintf("%v %d", s.outcome, s.tag)
}

var _ Subscription = (*fakeSub)(nil)

func newFakeSub() *fakeSub { return &fakeSub{changed: make(chan struct{})} }

func (s *fakeSub) changedLocked() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// push delivers n messages; the body of each is its tag.
func (s *fakeSub) push(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for range n {
		s.lastTag++
		s.ready = append(s.ready, Incoming{
			Envelope: &Envelope{
				Message:    Message{Body: fmt.Append(nil, s.lastTag)},
				Exchange:   "e",
				RoutingKey: "k",
			},
			Tag: s.lastTag,
		})
	}
	s.changedLocked()
}

// finish ends the subscription, as a broker does.
func (s *fakeSub) finish(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.end == nil {
		s.end = err
		s.changedLocked()
	}
}

func (s *fakeSub) Receive(ctx context.Context, buf []Incoming) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.within++; s.within > 1 {
		panic("two goroutines in Receive")
	}
	defer func() { s.within-- }()
	for {
		if len(s.ready) > 0 {
			n := copy(buf, s.ready)
			s.ready = s.ready[n:]
			s.batches = append(s.batches, n)
			if s.onHand != nil {
				s.mu.Unlock()
				s.onHand()
				s.mu.Lock()
			}
			return n, nil
		}
		if s.end != nil {
			return 0, s.end
		}
		changed := s.changed
		s.mu.Unlock()
		select {
		case <-changed:
			s.mu.Lock()
		case <-ctx.Done():
			s.mu.Lock()
			return 0, ctx.Err()
		}
	}
}

func (s *fakeSub) Settle(_ context.Context, tag uint64, o Outcome, multiple bool) error {
	st := settlement{tag, o, multiple}
	if s.onSettle != nil {
		if err := s.onSettle(st); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settled = append(s.settled, st)
	return nil
}

func (s *fakeSub) Cancel(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.canceled++
	if s.cancelErr != nil {
		return s.cancelErr
	}
	s.endLocked()
	return nil
}

func (s *fakeSub) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed++
	s.endLocked()
	return nil
}

func (s *fakeSub) endLocked() {
	if s.end != nil {
		return
	}
	if !s.autoAck {
		s.ready = nil // back in the queue
	}
	s.end = fmt.Errorf("%w: the fake subscription", ErrClosed)
	s.changedLocked()
}

// settlements returns what was settled, in words.
func (s *fakeSub) settlements() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, st := range s.settled {
		out = append(out, st.String())
	}
	return out
}
