package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"strings"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/gobindery/bindery/pubsub"
)

// brokerError is what RabbitMQ said, with the sentinel that it stands for. Its
// cause is the *amqp091.Error, for errors.As.
type brokerError struct {
	sentinel error
	cause    *amqp.Error
}

func (e *brokerError) Error() string {
	return fmt.Sprintf("%v: %s (AMQP code %d)", e.sentinel, e.cause.Reason, e.cause.Code)
}

func (e *brokerError) Unwrap() []error { return []error{e.sentinel, e.cause} }

// errorOf wraps an error of amqp091-go into the sentinel that it stands for.
// See https://www.rabbitmq.com/amqp-0-9-1-reference#constants.
func errorOf(err error) error {
	e, ok := errors.AsType[*amqp.Error](err)
	if !ok {
		return err
	}
	if !e.Server {
		return lostError(err)
	}
	sentinel := pubsub.ErrUnavailable
	switch e.Code {
	case amqp.NotFound:
		sentinel = pubsub.ErrNotFound
	case amqp.AccessRefused, amqp.NotAllowed:
		sentinel = pubsub.ErrAccessRefused
	case amqp.ResourceLocked:
		sentinel = pubsub.ErrResourceLocked
	case amqp.PreconditionFailed, amqp.ContentTooLarge, amqp.InvalidPath:
		sentinel = pubsub.ErrPreconditionFailed
	case amqp.NotImplemented:
		sentinel = pubsub.ErrUnsupported
	}
	return &brokerError{sentinel, e}
}

// openError says why a connection could not be opened.
func openError(err error, a *address) error {
	if e, ok := errors.AsType[*amqp.Error](err); ok {
		switch {
		case e == amqp.ErrCredentials:
			return fmt.Errorf("%w: wrong password for user %q, or no such user: the server closed the connection during login", pubsub.ErrAccessRefused, a.user)
		case e.Server && e.Code == amqp.AccessRefused:
			return fmt.Errorf("wrong password for user %q, or no such user: %w", a.user, &brokerError{pubsub.ErrAccessRefused, e})
		case e == amqp.ErrVhost:
			return fmt.Errorf("%w: vhost %q: the server closed the connection", pubsub.ErrNotFound, a.vhost)
		case e == amqp.ErrSASL:
			return fmt.Errorf("%w: the server doesn't take a user and a password (SASL mechanism PLAIN)", pubsub.ErrAccessRefused)
		case e.Server && e.Code == amqp.NotAllowed && strings.Contains(e.Reason, "not found"):
			return &brokerError{pubsub.ErrNotFound, e}
		case !e.Server:
			return fmt.Errorf("%w: no AMQP 0-9-1 server answers there: %s", pubsub.ErrUnavailable, e.Reason)
		}
	}
	if err := errorOf(err); isBroker(err) {
		return err
	}
	return fmt.Errorf("%w: %w", pubsub.ErrUnavailable, err)
}

func isBroker(err error) bool {
	_, ok := errors.AsType[*brokerError](err)
	return ok
}

// lostError is for what was cut off by the end of the connection.
func lostError(cause error) error {
	return fmt.Errorf("%w: the connection was lost: %s", pubsub.ErrUnavailable, reason(cause))
}

// reason is an error's text, without amqp091-go's frame around it.
func reason(err error) string {
	if e, ok := errors.AsType[*amqp.Error](err); ok {
		return fmt.Sprintf("%s (AMQP code %d)", e.Reason, e.Code)
	}
	if err == nil {
		return "it was closed"
	}
	return err.Error()
}

// errClosed is why a call on a closed Conn fails.
var errClosed = fmt.Errorf("%w: this connection was closed", pubsub.ErrClosed)

// gaveUp is why a call ended that waited for what.
func gaveUp(ctx context.Context, what string) error {
	return fmt.Errorf("%w: %s: %w", pubsub.ErrUnavailable, what, context.Cause(ctx))
}
