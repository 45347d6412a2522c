package amqpserver

import "github.com/gobindery/bindery/adapters/amqpserver/internal/wire"

// awaitMemory lets a client that publishes wait while the server is short of
// memory: what it sends is not read. So clients which only consume go on. The
// frame that has just come is the first to wait: a message's header at the
// limit, as in RabbitMQ, and its body at twice that. Else messages that have
// begun might fill the memory, and wait for one another without end.
// See https://www.rabbitmq.com/docs/connection-blocked.
func (c *conn) awaitMemory(frame uint8) {
	var level *memoryLevel
	switch frame {
	case wire.FrameHeader:
		level = &c.server.low
	case wire.FrameBody:
		level = &c.server.veryLow
	default:
		return
	}
	alarm := level.alarm.Load()
	if alarm == nil || c.isClosing() {
		return
	}
	c.flushConfirms()
	c.tellBlocked(&wire.ConnectionBlocked{Reason: "low on memory"})
	c.server.blocked.Add(1)
	defer c.server.blocked.Add(-1)
	for alarm != nil { // another one may begin as this one ends
		select {
		case <-alarm.over:
			alarm = level.alarm.Load()
		case <-c.patience.Done():
			return
		}
	}
	c.tellBlocked(&wire.ConnectionUnblocked{})
}

func (c *conn) tellBlocked(m wire.Method) {
	if c.blockedNotify {
		c.send(0, m)
	}
}
