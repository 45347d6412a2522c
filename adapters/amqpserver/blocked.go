package amqpserver

import "github.com/gobindery/bindery/adapters/amqpserver/internal/wire"

// awaitMemory lets a client that publishes wait while the server is short of
// memory: what it sends is not read. The header or body that has just come is
// the first to wait, as in RabbitMQ, so that clients which only consume go on,
// and the rest of a large message is not read either.
// See https://www.rabbitmq.com/docs/connection-blocked.
func (c *conn) awaitMemory() {
	alarm := c.server.alarm.Load()
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
			alarm = c.server.alarm.Load()
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
