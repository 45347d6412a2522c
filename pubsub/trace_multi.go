package pubsub

import (
	"context"
	"slices"
)

// MultiTrace returns a Trace that calls all of traces: the functions named
// Start in their order, each with the context of the one before, and those
// named End, and Closed, in the opposite order. Nil ones are passed over; with
// none left it returns nil.
func MultiTrace(traces ...*Trace) *Trace {
	traces = slices.DeleteFunc(slices.Clone(traces), func(t *Trace) bool { return t == nil })
	switch len(traces) {
	case 0:
		return nil
	case 1:
		return traces[0]
	}
	m := *traces[0]
	for _, t := range traces[1:] {
		m = Trace{
			Opened:       inTurn(m.Opened, t.Opened),
			Closed:       inTurn(t.Closed, m.Closed),
			PublishStart: startInTurn(m.PublishStart, t.PublishStart),
			PublishEnd:   callInTurn(t.PublishEnd, m.PublishEnd),
			Received:     callInTurn(m.Received, t.Received),
			HandleStart:  startInTurn(m.HandleStart, t.HandleStart),
			HandleEnd:    callInTurn(t.HandleEnd, m.HandleEnd),
			SettleStart:  startInTurn(m.SettleStart, t.SettleStart),
			SettleEnd:    callInTurn(t.SettleEnd, m.SettleEnd),
		}
	}
	return &m
}

func inTurn[T any](first, second func(T)) func(T) {
	if first == nil {
		return second
	}
	if second == nil {
		return first
	}
	return func(v T) { first(v); second(v) }
}

func startInTurn[T any](first, second func(context.Context, T) context.Context) func(context.Context, T) context.Context {
	if first == nil {
		return second
	}
	if second == nil {
		return first
	}
	return func(ctx context.Context, v T) context.Context { return second(first(ctx, v), v) }
}

func callInTurn[T any](first, second func(context.Context, T)) func(context.Context, T) {
	if first == nil {
		return second
	}
	if second == nil {
		return first
	}
	return func(ctx context.Context, v T) { first(ctx, v); second(ctx, v) }
}
