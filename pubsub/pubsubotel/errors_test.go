package pubsubotel

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"

	"github.com/gobindery/bindery/pubsub"
)

func TestPublishFails(t *testing.T) {
	ob := observe(t, nil)
	one := 1
	_, err := ob.DeclareQueue(t.Context(), pubsub.Queue{Name: "full", MaxLength: &one, Overflow: pubsub.RejectPublish})
	must(t, err)
	must(t, ob.Publish(t.Context(), "", "full", pubsub.Message{}))
	for _, c := range []struct {
		exchange, key, want string
		m                   pubsub.Message
	}{
		{"logs", "cron", "unroutable", pubsub.Message{}},
		{"", "full", "refused", pubsub.Message{}},
		{"missing", "", "not_found", pubsub.Message{}},
		{"logs", "", "invalid", pubsub.Message{DeliveryMode: 9}},
	} {
		ob.take()
		if err := ob.Publish(t.Context(), c.exchange, c.key, c.m, pubsub.Mandatory); err == nil {
			t.Errorf("publish to %q succeeded", c.exchange)
		}
		for _, s := range ob.take() {
			if got := value(s.Attributes, "error.type"); got != c.want || s.Status.Code != codes.Error || s.Status.Description == "" {
				t.Errorf("%s has the error type %q and the status %v, want %q", s.Name, got, s.Status, c.want)
			}
		}
	}
}

// TestPanic: a handler's panic is an error of its own type, whatever it is with.
func TestPanic(t *testing.T) {
	for text, with := range map[string]any{
		"out of paper": "out of paper",
		"ask the shop: context deadline exceeded": fmt.Errorf("ask the shop: %w", context.DeadlineExceeded),
	} {
		ob := observe(t, nil)
		must(t, ob.Publish(t.Context(), "", "audit", pubsub.Message{}))
		ctx, stop := context.WithCancel(t.Context())
		c, err := ob.Consume(ctx, "audit", nil)
		must(t, err)
		must(t, c.Handle(ctx, nil, func(context.Context, pubsub.Delivery) error {
			stop()
			panic(with)
		}))
		stop()
		if s := named(t, ob.take(), "process audit"); value(s.Attributes, "error.type") != "panic" || s.Status.Description != "the handler panicked: "+text {
			t.Errorf("process has the status %v and the attributes %v", s.Status, s.Attributes)
		}
	}
}

// TestErrorType: an error of a handler's own is its Go type.
func TestErrorType(t *testing.T) {
	for want, err := range map[string]error{
		"unconfirmed":         fmt.Errorf("x: %w: %w", pubsub.ErrUnconfirmed, context.Canceled),
		"canceled":            context.Canceled,
		"not-found":           fmt.Errorf("wrapped: %w", &pubsub.CallError{Code: "not-found"}),
		"*pubsub.CallError":   &pubsub.CallError{Text: "x"},
		"*fs.PathError":       &pubsub.Error{Err: fmt.Errorf("wrapped: %w", &fs.PathError{Err: fs.ErrExist})},
		"*errors.errorString": fmt.Errorf("wrapped: %w", errors.New("x")),
		"parked":              fmt.Errorf("%w: %w", pubsub.ErrPark, errors.New("x")),
		"retried":             pubsub.RetryAfter(time.Second, errors.New("x")),
	} {
		if got := errorType(err); got != attribute.String("error.type", want) {
			t.Errorf("%v: %v, want %s", err, got, want)
		}
	}
}

// TestServeFails: a request that is answered by an error has failed, and the
// error's type is that of the handler's.
func TestServeFails(t *testing.T) {
	ob := observe(t, nil)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	served := make(chan error, 1)
	go func() {
		served <- ob.Serve(ctx, "audit", nil, func(context.Context, pubsub.Delivery) (pubsub.Message, error) {
			return pubsub.Message{}, fmt.Errorf("look: %w", fs.ErrNotExist)
		})
	}()
	caller, err := ob.NewCaller(t.Context())
	must(t, err)
	if _, err := caller.Call(t.Context(), "", "audit", pubsub.Message{}); err == nil {
		t.Error("the call succeeded")
	}
	stop()
	must(t, <-served)
	must(t, caller.Close())
	if s := named(t, ob.take(), "process audit"); value(s.Attributes, "error.type") != "*errors.errorString" || s.Status.Code != codes.Error {
		t.Errorf("process has the status %v and the attributes %v", s.Status, s.Attributes)
	}
}

// What RetryAfter is with doesn't change its type.
func TestRetryAfterType(t *testing.T) {
	if got := errorType(pubsub.RetryAfter(time.Second, context.DeadlineExceeded)); got != attribute.String("error.type", "retried") {
		t.Errorf("of RetryAfter it is %v, want retried", got)
	}
}

// A handler's error that is a nil pointer to a CallError is an error as others
// are.
func TestNilCallError(t *testing.T) {
	ob := observe(t, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	_, err := ob.DeclareQueue(ctx, pubsub.Queue{Name: "rpc"})
	must(t, err)
	serving, stop := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() {
		served <- ob.Serve(serving, "rpc", nil, func(context.Context, pubsub.Delivery) (pubsub.Message, error) {
			var none *pubsub.CallError
			return pubsub.Message{}, none
		})
	}()
	k, err := ob.NewCaller(ctx)
	must(t, err)
	_, err = k.Call(ctx, "", "rpc", pubsub.Message{})
	if reply := new(pubsub.CallError); !errors.As(err, &reply) {
		t.Errorf("the call's error is %v; want a CallError", err)
	}
	must(t, k.Close())
	stop()
	must(t, <-served)
}
