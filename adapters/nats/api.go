package nats

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/gobindery/bindery/pubsub"
)

// requestTimeout is how long one attempt of a request to JetStream may take:
// while a cluster elects a leader, requests get no answer.
const requestTimeout = 2 * time.Second

// patience is how long requests are tried again before the broker counts as
// unavailable.
const patience = 15 * time.Second

// JetStream's error codes that mean something here.
const (
	codeNotFound          = 404   // no such message
	codeWrongLastSequence = 10071 // a compare-and-set failed
	codeStreamNotFound    = 10059
	codeConsumerNotFound  = 10014
	codeConsumerExists    = 10148
	codeConsumerNotUnique = 10100 // there is another consumer on a work queue
	codeConsumerOverlaps  = 10099
	codeStreamExists      = 10058

	// An attempt before is being stored, which may still fail.
	codeDuplicateInProcess = 10158
)

// apiError is an error that JetStream answers with.
type apiError struct {
	Code        int    `json:"code"`
	ErrCode     int    `json:"err_code"`
	Description string `json:"description"`
}

func (e *apiError) Error() string {
	return fmt.Sprintf("JetStream says %q (code %d)", e.Description, e.ErrCode)
}

// isCode reports whether JetStream answered with one of the codes.
func isCode(err error, codes ...int) bool {
	code := 0
	if e, ok := errors.AsType[*apiError](err); ok {
		code = e.ErrCode
	} else if e, ok := errors.AsType[*jetstream.APIError](err); ok {
		code = int(e.ErrorCode)
	} else {
		return false
	}
	for _, c := range codes {
		if c == code {
			return true
		}
	}
	return false
}

// again reports whether a request may succeed when it is tried again: nobody
// answered, as while a leader is elected.
func again(err error) bool {
	return errors.Is(err, nats.ErrNoResponders) || errors.Is(err, nats.ErrTimeout) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, nats.ErrReconnectBufExceeded) || errors.Is(err, nats.ErrDisconnected) || errors.Is(err, nats.ErrConnectionReconnecting) ||
		errors.Is(err, jetstream.ErrNoStreamResponse) || errors.Is(err, nats.ErrNoStreamResponse) || transient(err)
}

// transient reports whether JetStream itself says that it can't at the moment.
func transient(err error) bool {
	if e, ok := errors.AsType[*apiError](err); ok {
		return e.Code == 503
	}
	if e, ok := errors.AsType[*jetstream.APIError](err); ok {
		return e.Code == 503
	}
	return false
}

// try calls f until it succeeds, fails for good, or ctx ends or patience does.
// Each attempt gets a context of its own.
func (c *Conn) try(ctx context.Context, what string, f func(ctx context.Context) error) error {
	late := time.Now().Add(patience)
	// What is asked of a leader that has just been elected is often lost.
	limit := requestTimeout / 4
	violated, _ := c.violations.since(0)
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, 500*time.Millisecond) {
		attempt, cancel := context.WithTimeout(ctx, limit)
		err := f(attempt)
		cancel()
		limit = min(2*limit, requestTimeout)
		_, violation := c.violations.since(violated)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return fmt.Errorf("%s: %w", what, context.Cause(ctx))
		case c.ended.Load():
			return errClosed
		case !again(err):
			return fmt.Errorf("%s: %w", what, brokerError(err))
		case violation != nil:
			return forbidden(what, violation)
		case time.Now().After(late):
			return fmt.Errorf("%w: %s: no answer for %v: %w; is JetStream enabled, and has its cluster a leader?", pubsub.ErrUnavailable, what, patience, err)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		case <-c.done:
		}
	}
}

// brokerError wraps what nats.go says in the model's errors.
func brokerError(err error) error {
	switch {
	case errors.Is(err, nats.ErrConnectionClosed), errors.Is(err, nats.ErrConnectionDraining):
		return fmt.Errorf("%w: %w", pubsub.ErrClosed, err)
	case errors.Is(err, nats.ErrDisconnected), errors.Is(err, nats.ErrNoServers), errors.Is(err, nats.ErrReconnectBufExceeded):
		return fmt.Errorf("%w: %w", pubsub.ErrUnavailable, err)
	}
	return err
}

// request sends a request to JetStream's API and decodes the answer. It is one attempt.
func (c *Conn) request(ctx context.Context, subject string, body, answer any) error {
	var data []byte
	if body != nil {
		var err error
		if data, err = json.Marshal(body); err != nil {
			return err
		}
	}
	m, err := c.nc.RequestWithContext(ctx, c.api+subject, data)
	if err != nil {
		return err
	}
	var failed struct {
		Error *apiError `json:"error"`
	}
	if err := json.Unmarshal(m.Data, &failed); err != nil {
		return fmt.Errorf("answer to %s: %w", subject, err)
	}
	if failed.Error != nil {
		return failed.Error
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(m.Data, answer)
}
