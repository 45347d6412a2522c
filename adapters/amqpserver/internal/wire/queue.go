package wire

import "github.com/gobindery/bindery/pubsub"

// The methods of class queue.

// QueueDeclare is the method queue.declare.
type QueueDeclare struct {
	Queue                                           string
	Passive, Durable, Exclusive, AutoDelete, NoWait bool
	Arguments                                       pubsub.Table
}

// ID returns 50 and 10.
func (*QueueDeclare) ID() (class, method uint16) { return 50, 10 }

func (m *QueueDeclare) fields(c *codec) {
	c.ticket()
	c.shortstr(&m.Queue)
	c.bits(&m.Passive, &m.Durable, &m.Exclusive, &m.AutoDelete, &m.NoWait)
	c.table(&m.Arguments)
}

// QueueDeclareOk is the method queue.declare-ok.
type QueueDeclareOk struct {
	Queue                       string
	MessageCount, ConsumerCount uint32
}

// ID returns 50 and 11.
func (*QueueDeclareOk) ID() (class, method uint16) { return 50, 11 }

func (m *QueueDeclareOk) fields(c *codec) {
	c.shortstr(&m.Queue)
	c.long(&m.MessageCount)
	c.long(&m.ConsumerCount)
}

// QueueBind is the method queue.bind.
type QueueBind struct {
	Queue, Exchange, RoutingKey string
	NoWait                      bool
	Arguments                   pubsub.Table
}

// ID returns 50 and 20.
func (*QueueBind) ID() (class, method uint16) { return 50, 20 }

func (m *QueueBind) fields(c *codec) {
	c.ticket()
	c.shortstr(&m.Queue)
	c.shortstr(&m.Exchange)
	c.shortstr(&m.RoutingKey)
	c.bits(&m.NoWait)
	c.table(&m.Arguments)
}

// QueueBindOk is the method queue.bind-ok.
type QueueBindOk struct{}

// ID returns 50 and 21.
func (*QueueBindOk) ID() (class, method uint16) { return 50, 21 }

func (*QueueBindOk) fields(*codec) {}

// QueuePurge is the method queue.purge.
type QueuePurge struct {
	Queue  string
	NoWait bool
}

// ID returns 50 and 30.
func (*QueuePurge) ID() (class, method uint16) { return 50, 30 }

func (m *QueuePurge) fields(c *codec) {
	c.ticket()
	c.shortstr(&m.Queue)
	c.bits(&m.NoWait)
}

// QueuePurgeOk is the method queue.purge-ok.
type QueuePurgeOk struct {
	MessageCount uint32
}

// ID returns 50 and 31.
func (*QueuePurgeOk) ID() (class, method uint16) { return 50, 31 }

func (m *QueuePurgeOk) fields(c *codec) { c.long(&m.MessageCount) }

// QueueDelete is the method queue.delete.
type QueueDelete struct {
	Queue                     string
	IfUnused, IfEmpty, NoWait bool
}

// ID returns 50 and 40.
func (*QueueDelete) ID() (class, method uint16) { return 50, 40 }

func (m *QueueDelete) fields(c *codec) {
	c.ticket()
	c.shortstr(&m.Queue)
	c.bits(&m.IfUnused, &m.IfEmpty, &m.NoWait)
}

// QueueDeleteOk is the method queue.delete-ok.
type QueueDeleteOk struct {
	MessageCount uint32
}

// ID returns 50 and 41.
func (*QueueDeleteOk) ID() (class, method uint16) { return 50, 41 }

func (m *QueueDeleteOk) fields(c *codec) { c.long(&m.MessageCount) }

// QueueUnbind is the method queue.unbind.
type QueueUnbind struct {
	Queue, Exchange, RoutingKey string
	Arguments                   pubsub.Table
}

// ID returns 50 and 50.
func (*QueueUnbind) ID() (class, method uint16) { return 50, 50 }

func (m *QueueUnbind) fields(c *codec) {
	c.ticket()
	c.shortstr(&m.Queue)
	c.shortstr(&m.Exchange)
	c.shortstr(&m.RoutingKey)
	c.table(&m.Arguments)
}

// QueueUnbindOk is the method queue.unbind-ok.
type QueueUnbindOk struct{}

// ID returns 50 and 51.
func (*QueueUnbindOk) ID() (class, method uint16) { return 50, 51 }

func (*QueueUnbindOk) fields(*codec) {}
