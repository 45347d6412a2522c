package pubsub

import (
	"context"
	"errors"
	"fmt"
)

// ServeOptions are for [Broker.Serve]. Nil is the same as the zero value.
type ServeOptions struct {
	// Concurrency is how many handlers may run at once. Zero is 1.
	Concurrency int

	// Prefetch is how many requests may be in this program at once. Zero is
	// Concurrency: other servers of the queue get what this one can't begin.
	Prefetch int

	// CrashOnPanic lets a handler's panic end the program. Else it is caught
	// and logged with its stack, and its caller gets an error.
	CrashOnPanic bool
}

// Serve consumes a queue of requests, until ctx or its consumer ends, as
// [Consumer.Handle]: it calls h for each, publishes what h returns to the
// request's ReplyTo by the default exchange, with the request's CorrelationID,
// and acknowledges the request when the broker has the reply. A request may be
// served twice, when a program or connection ends between the two.
//
// An error of h is the reply too: a [*CallError] in it with its fields, any
// other with its text. One that wraps [ErrReject] or [ErrRetryNow] rejects or
// requeues the request without a reply. A request without ReplyTo gets none;
// a reply that its caller no longer waits for is dropped.
func (b *Broker) Serve(ctx context.Context, queue string, o *ServeOptions, h func(context.Context, Delivery) (Message, error)) error {
	s := &server{ServeOptions: orZero(o), b: b, queue: queue, h: h}
	if h == nil {
		return opError(opConsume, "queue "+quote(queue), errNoHandler)
	}
	if s.Prefetch == 0 {
		s.Prefetch = max(1, s.Concurrency)
	}
	c, err := b.Consume(ctx, queue, &ConsumeOptions{Prefetch: s.Prefetch})
	if err != nil {
		return err
	}
	err = c.Handle(ctx, &HandleOptions{Concurrency: s.Concurrency, CrashOnPanic: s.CrashOnPanic}, s.serve)
	return errors.Join(err, c.Close())
}

// server is one call of Serve.
type server struct {
	ServeOptions
	b     *Broker
	queue string
	h     func(context.Context, Delivery) (Message, error)
}

// serve handles one request, and replies. Its error is for Handle: it settles
// by it.
func (s *server) serve(ctx context.Context, d Delivery) error {
	var reply Message
	err := catch(s.CrashOnPanic, "the handler", func() (err error) {
		reply, err = s.h(ctx, d)
		return err
	})
	if errors.Is(err, ErrReject) || errors.Is(err, ErrRetryNow) {
		return err
	}
	if err == nil {
		return s.reply(ctx, d, reply)
	}
	if err := s.reply(ctx, d, s.failed(ctx, err)); err != nil {
		return err
	}
	return &answered{err}
}

// answered is an error that the caller has got: the request is done with, and
// the error for a [Trace] alone.
type answered struct{ error }

func (e *answered) Unwrap() error { return e.error }

func isAnswered(err error) bool {
	_, ok := err.(*answered)
	return ok
}

// reply sends a reply, if one is asked for.
func (s *server) reply(ctx context.Context, d Delivery, reply Message) error {
	if d.ReplyTo == "" {
		return nil
	}
	err := s.send(ctx, &d, reply)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrUnroutable):
		s.b.log.DebugContext(ctx, "reply is dropped, because its caller is gone", "queue", s.queue, "reply to", d.ReplyTo)
		return nil
	case passes(err):
		return fmt.Errorf("the reply to %s: %w", quote(d.ReplyTo), err)
	}
	// What no broker takes is answered by why, so that the caller need not wait.
	s.b.log.ErrorContext(ctx, "reply can't be sent", "queue", s.queue, "reply to", d.ReplyTo, "error", err)
	if err := s.send(ctx, &d, (&CallError{Text: "the reply can't be sent: " + errorText(err)}).message()); passes(err) {
		return err
	}
	return nil
}

// failed logs an error of the handler, and returns the reply that tells of it.
func (s *server) failed(ctx context.Context, err error) Message {
	args := []any{"queue", s.queue, "error", err}
	told := &CallError{Text: errorText(err)}
	if own, ok := errors.AsType[*CallError](err); ok && own != nil {
		told = own
	}
	if p, ok := errors.AsType[*panicError](err); ok {
		args = append(args, "stack", string(p.stack))
		told = &CallError{Text: "the server's handler panicked"} // what it says is not for callers
	}
	s.b.log.WarnContext(ctx, "request failed", args...)
	return told.message()
}

// send publishes a reply. One that the broker may not have is sent again: a
// caller drops the second.
func (s *server) send(ctx context.Context, d *Delivery, reply Message) (err error) {
	reply.CorrelationID = d.CorrelationID
	for range 3 {
		err = s.b.Publish(ctx, "", d.ReplyTo, reply, Mandatory)
		if !errors.Is(err, ErrUnconfirmed) {
			break
		}
	}
	return err
}
