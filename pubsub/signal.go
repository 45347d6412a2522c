package pubsub

import (
	"context"
	"sync/atomic"
)

// signal wakes goroutines that wait for a condition on atomic variables. A
// wake reaches one of them; where it may help more, that one wakes the next.
type signal struct {
	waiting atomic.Int32
	token   chan struct{} // holds one wake that nobody has taken yet
}

func newSignal() signal { return signal{token: make(chan struct{}, 1)} }

// wake lets a goroutine that waits look at its condition again. Call it after
// the condition may have come true: whoever waits announces itself before it
// looks, so either it sees the change or this sees that it waits.
func (s *signal) wake() {
	if s.waiting.Load() > 0 {
		s.leaveToken()
	}
}

func (s *signal) leaveToken() {
	select {
	case s.token <- struct{}{}:
	default: // one is there already; who takes it looks after this change
	}
}

// wait returns once ok does, or with the cause of ctx's end if ok is still
// false then. It looks at ok first.
func (s *signal) wait(ctx context.Context, ok func() bool) error {
	s.waiting.Add(1)
	defer s.waiting.Add(-1)
	for !ok() {
		select {
		case <-s.token:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}
