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

// inVHost adds the vhost after the entity that a text names, where RabbitMQ has
// it: what routes for adapters doesn't know its vhost.
func inVHost(text, vhost string) string {
	named := strings.Contains(text, "exchange '") || strings.Contains(text, "queue '")
	if !named || strings.Contains(text, " in vhost '") {
		return text
	}
	entity, _, _ := strings.Cut(text, ": received ")
	end := strings.LastIndexByte(entity, '\'') + 1
	return fmt.Sprintf("%s in vhost '%s'%s", text[:end], vhost, text[end:])
}
