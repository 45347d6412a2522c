package wire

import "github.com/gobindery/bindery/pubsub"

// The methods of class exchange.

// ExchangeDeclare is the method exchange.declare.
type ExchangeDeclare struct {
	Exchange, Type                                 string
	Passive, Durable, AutoDelete, Internal, NoWait bool
	Arguments                                      pubsub.Table
}

// ID returns 40 and 10.
func (*ExchangeDeclare) ID() (class, method uint16) { return 40, 10 }

func (m *ExchangeDeclare) fields(c *codec) {
	c.ticket()
	c.shortstr(&m.Exchange)
	c.shortstr(&m.Type)
	c.bits(&m.Passive, &m.Durable, &m.AutoDelete, &m.Internal, &m.NoWait)
	c.table(&m.Arguments)
}

// ExchangeDeclareOk is the method exchange.declare-ok.
type ExchangeDeclareOk struct{}

// ID returns 40 and 11.
func (*ExchangeDeclareOk) ID() (class, method uint16) { return 40, 11 }

func (*ExchangeDeclareOk) fields(*codec) {}

// ExchangeDelete is the method exchange.delete.
type ExchangeDelete struct {
	Exchange         string
	IfUnused, NoWait bool
}

// ID returns 40 and 20.
func (*ExchangeDelete) ID() (class, method uint16) { return 40, 20 }

func (m *ExchangeDelete) fields(c *codec) {
	c.ticket()
	c.shortstr(&m.Exchange)
	c.bits(&m.IfUnused, &m.NoWait)
}

// ExchangeDeleteOk is the method exchange.delete-ok.
type ExchangeDeleteOk struct{}

// ID returns 40 and 21.
func (*ExchangeDeleteOk) ID() (class, method uint16) { return 40, 21 }

func (*ExchangeDeleteOk) fields(*codec) {}

// ExchangeBind is the method exchange.bind.
type ExchangeBind struct {
	Destination, Source, RoutingKey string
	NoWait                          bool
	Arguments                       pubsub.Table
}

// ID returns 40 and 30.
func (*ExchangeBind) ID() (class, method uint16) { return 40, 30 }

func (m *ExchangeBind) fields(c *codec) {
	c.ticket()
	c.shortstr(&m.Destination)
	c.shortstr(&m.Source)
	c.shortstr(&m.RoutingKey)
	c.bits(&m.NoWait)
	c.table(&m.Arguments)
}

// ExchangeBindOk is the method exchange.bind-ok.
type ExchangeBindOk struct{}

// ID returns 40 and 31.
func (*ExchangeBindOk) ID() (class, method uint16) { return 40, 31 }

func (*ExchangeBindOk) fields(*codec) {}

// ExchangeUnbind is the method exchange.unbind.
type ExchangeUnbind struct {
	Destination, Source, RoutingKey string
	NoWait                          bool
	Arguments                       pubsub.Table
}

// ID returns 40 and 40.
func (*ExchangeUnbind) ID() (class, method uint16) { return 40, 40 }

func (m *ExchangeUnbind) fields(c *codec) {
	c.ticket()
	c.shortstr(&m.Destination)
	c.shortstr(&m.Source)
	c.shortstr(&m.RoutingKey)
	c.bits(&m.NoWait)
	c.table(&m.Arguments)
}

// ExchangeUnbindOk is the method exchange.unbind-ok.
type ExchangeUnbindOk struct{}

// ID returns 40 and 51.
func (*ExchangeUnbindOk) ID() (class, method uint16) { return 40, 51 }

func (*ExchangeUnbindOk) fields(*codec) {}
