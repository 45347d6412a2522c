package wire

import "github.com/gobindery/bindery/pubsub"

// The methods of class basic.

// BasicQos is the method basic.qos.
type BasicQos struct {
	PrefetchSize  uint32
	PrefetchCount uint16
	Global        bool
}

// ID returns 60 and 10.
func (*BasicQos) ID() (class, method uint16) { return 60, 10 }

func (m *BasicQos) fields(c *codec) {
	c.long(&m.PrefetchSize)
	c.short(&m.PrefetchCount)
	c.bits(&m.Global)
}

// BasicQosOk is the method basic.qos-ok.
type BasicQosOk struct{}

// ID returns 60 and 11.
func (*BasicQosOk) ID() (class, method uint16) { return 60, 11 }

func (*BasicQosOk) fields(*codec) {}

// BasicConsume is the method basic.consume.
type BasicConsume struct {
	Queue, ConsumerTag                string
	NoLocal, NoAck, Exclusive, NoWait bool
	Arguments                         pubsub.Table
}

// ID returns 60 and 20.
func (*BasicConsume) ID() (class, method uint16) { return 60, 20 }

func (m *BasicConsume) fields(c *codec) {
	c.ticket()
	c.shortstr(&m.Queue)
	c.shortstr(&m.ConsumerTag)
	c.bits(&m.NoLocal, &m.NoAck, &m.Exclusive, &m.NoWait)
	c.table(&m.Arguments)
}

// BasicConsumeOk is the method basic.consume-ok.
type BasicConsumeOk struct {
	ConsumerTag string
}

// ID returns 60 and 21.
func (*BasicConsumeOk) ID() (class, method uint16) { return 60, 21 }

func (m *BasicConsumeOk) fields(c *codec) { c.shortstr(&m.ConsumerTag) }

// BasicCancel is the method basic.cancel.
type BasicCancel struct {
	ConsumerTag string
	NoWait      bool
}

// ID returns 60 and 30.
func (*BasicCancel) ID() (class, method uint16) { return 60, 30 }

func (m *BasicCancel) fields(c *codec) {
	c.shortstr(&m.ConsumerTag)
	c.bits(&m.NoWait)
}

// BasicCancelOk is the method basic.cancel-ok.
type BasicCancelOk struct {
	ConsumerTag string
}

// ID returns 60 and 31.
func (*BasicCancelOk) ID() (class, method uint16) { return 60, 31 }

func (m *BasicCancelOk) fields(c *codec) { c.shortstr(&m.ConsumerTag) }

// BasicPublish is the method basic.publish.
type BasicPublish struct {
	Exchange, RoutingKey string
	Mandatory, Immediate bool
}

// ID returns 60 and 40.
func (*BasicPublish) ID() (class, method uint16) { return 60, 40 }

func (m *BasicPublish) fields(c *codec) {
	c.ticket()
	c.shortstr(&m.Exchange)
	c.shortstr(&m.RoutingKey)
	c.bits(&m.Mandatory, &m.Immediate)
}

// BasicReturn is the method basic.return.
type BasicReturn struct {
	ReplyCode                       uint16
	ReplyText, Exchange, RoutingKey string
}

// ID returns 60 and 50.
func (*BasicReturn) ID() (class, method uint16) { return 60, 50 }

func (m *BasicReturn) fields(c *codec) {
	c.short(&m.ReplyCode)
	c.shortstr(&m.ReplyText)
	c.shortstr(&m.Exchange)
	c.shortstr(&m.RoutingKey)
}

// BasicDeliver is the method basic.deliver.
type BasicDeliver struct {
	ConsumerTag          string
	DeliveryTag          uint64
	Redelivered          bool
	Exchange, RoutingKey string
}

// ID returns 60 and 60.
func (*BasicDeliver) ID() (class, method uint16) { return 60, 60 }

func (m *BasicDeliver) fields(c *codec) {
	c.shortstr(&m.ConsumerTag)
	c.longlong(&m.DeliveryTag)
	c.bits(&m.Redelivered)
	c.shortstr(&m.Exchange)
	c.shortstr(&m.RoutingKey)
}

// BasicGet is the method basic.get.
type BasicGet struct {
	Queue string
	NoAck bool
}

// ID returns 60 and 70.
func (*BasicGet) ID() (class, method uint16) { return 60, 70 }

func (m *BasicGet) fields(c *codec) {
	c.ticket()
	c.shortstr(&m.Queue)
	c.bits(&m.NoAck)
}

// BasicGetOk is the method basic.get-ok.
type BasicGetOk struct {
	DeliveryTag          uint64
	Redelivered          bool
	Exchange, RoutingKey string
	MessageCount         uint32
}

// ID returns 60 and 71.
func (*BasicGetOk) ID() (class, method uint16) { return 60, 71 }

func (m *BasicGetOk) fields(c *codec) {
	c.longlong(&m.DeliveryTag)
	c.bits(&m.Redelivered)
	c.shortstr(&m.Exchange)
	c.shortstr(&m.RoutingKey)
	c.long(&m.MessageCount)
}

// BasicGetEmpty is the method basic.get-empty.
type BasicGetEmpty struct{}

// ID returns 60 and 72.
func (*BasicGetEmpty) ID() (class, method uint16) { return 60, 72 }

func (*BasicGetEmpty) fields(c *codec) { c.reserved() }

// BasicAck is the method basic.ack.
type BasicAck struct {
	DeliveryTag uint64
	Multiple    bool
}

// ID returns 60 and 80.
func (*BasicAck) ID() (class, method uint16) { return 60, 80 }

func (m *BasicAck) fields(c *codec) {
	c.longlong(&m.DeliveryTag)
	c.bits(&m.Multiple)
}

// BasicReject is the method basic.reject.
type BasicReject struct {
	DeliveryTag uint64
	Requeue     bool
}

// ID returns 60 and 90.
func (*BasicReject) ID() (class, method uint16) { return 60, 90 }

func (m *BasicReject) fields(c *codec) {
	c.longlong(&m.DeliveryTag)
	c.bits(&m.Requeue)
}

// BasicRecoverAsync is the method basic.recover-async.
type BasicRecoverAsync struct {
	Requeue bool
}

// ID returns 60 and 100.
func (*BasicRecoverAsync) ID() (class, method uint16) { return 60, 100 }

func (m *BasicRecoverAsync) fields(c *codec) { c.bits(&m.Requeue) }

// BasicRecover is the method basic.recover.
type BasicRecover struct {
	Requeue bool
}

// ID returns 60 and 110.
func (*BasicRecover) ID() (class, method uint16) { return 60, 110 }

func (m *BasicRecover) fields(c *codec) { c.bits(&m.Requeue) }

// BasicRecoverOk is the method basic.recover-ok.
type BasicRecoverOk struct{}

// ID returns 60 and 111.
func (*BasicRecoverOk) ID() (class, method uint16) { return 60, 111 }

func (*BasicRecoverOk) fields(*codec) {}

// BasicNack is the method basic.nack.
type BasicNack struct {
	DeliveryTag       uint64
	Multiple, Requeue bool
}

// ID returns 60 and 120.
func (*BasicNack) ID() (class, method uint16) { return 60, 120 }

func (m *BasicNack) fields(c *codec) {
	c.longlong(&m.DeliveryTag)
	c.bits(&m.Multiple, &m.Requeue)
}
