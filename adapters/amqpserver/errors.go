package amqpserver

import (
	"errors"
	"fmt"
	"strings"

	"github.com/gobindery/bindery/adapters/amqpserver/internal/wire"
	"github.com/gobindery/bindery/pubsub"
)

// codes are those of what an adapter says.
var codes = []struct {
	is   error
	code uint16
}{
	{pubsub.ErrNotFound, wire.NotFound},
	{pubsub.ErrAccessRefused, wire.AccessRefused},
	{pubsub.ErrResourceLocked, wire.ResourceLocked},
	{pubsub.ErrPreconditionFailed, wire.PreconditionFailed},
	{pubsub.ErrUnsupported, wire.NotImplemented},
}

// replyError is an adapter's error as the client gets it, about a method.
func (ch *channel) replyError(m wire.Method, err error) error {
	if e, ok := errors.AsType[*wire.Error](err); ok {
		return e.Of(m)
	}
	for _, r := range codes {
		if errors.Is(err, r.is) {
			text := strings.TrimPrefix(err.Error(), r.is.Error()+": ")
			if r.code == wire.ResourceLocked {
				text = strings.TrimSuffix(text, ".") + "." // RabbitMQ's are two sentences
			}
			return wire.Errorf(r.code, "%s", inVHost(text, ch.c.vhost)).Of(m)
		}
	}
	return wire.Errorf(wire.InternalError, "%v", err).Of(m)
}

// inVHost adds the vhost after the first entity that a text names, where
// RabbitMQ has it: what routes for adapters doesn't know its vhost.
func inVHost(text, vhost string) string {
	if strings.Contains(text, " in vhost '") {
		return text
	}
	for _, entity := range []string{"exchange '", "queue '"} {
		i := strings.Index(text, entity)
		if i < 0 {
			continue
		}
		i += len(entity)
		if n := strings.IndexByte(text[i:], '\''); n >= 0 {
			i += n + 1
			return fmt.Sprintf("%s in vhost '%s'%s", text[:i], vhost, text[i:])
		}
	}
	return text
}
