package amqpserver

import (
	"sync"

	"github.com/gobindery/bindery/adapters/amqpserver/internal/wire"
	"github.com/gobindery/bindery/pubsub"
)

// channel is one channel of a connection. The connection's goroutine calls its
// methods; deliveries and outcomes come from others.
type channel struct {
	c  *conn
	id uint16

	content   *content              // a publish whose content is on its way
	lastQueue string                // the last one declared: what an empty name means
	prefetch  int                   // for new consumers
	shared    pubsub.SharedPrefetch // that of all consumers together; nil before the first
	confirms  confirms
	tx        *transaction // nil outside of transaction mode; set with mu held

	ended sync.WaitGroup // what fail has begun

	// mu is held while a delivery is queued, so that tags are in order.
	mu        sync.Mutex
	closed    bool // channel.close was sent or came: nothing more goes out
	consumers map[string]*consumer
	replies   *replyConsumer // nil without one
	unacked   unacked
}

func newChannel(c *conn, id uint16) *channel {
	return &channel{c: c, id: id, prefetch: pubsub.Unlimited, consumers: make(map[string]*consumer)}
}

var errNoMethod = wire.Errorf(wire.UnexpectedFrame, "expected method frame, got non method frame instead")

// frame does what one frame asks. m is its method, if it is one.
func (ch *channel) frame(f wire.Frame, m wire.Method) error {
	if ch.content != nil {
		return ch.contentFrame(f)
	}
	if m == nil {
		return errNoMethod
	}
	if p, ok := m.(*wire.BasicPublish); ok {
		ch.content = &content{method: p}
		return nil
	}
	reply, err := ch.do(m)
	if err != nil {
		return ch.replyError(m, err)
	}
	if reply != nil {
		ch.send(reply)
	}
	return nil
}

// do does what a method asks, and returns its reply, if there is one.
func (ch *channel) do(m wire.Method) (reply wire.Method, err error) {
	switch m := m.(type) {
	case *wire.ExchangeDeclare:
		return noWait(m.NoWait, &wire.ExchangeDeclareOk{}, ch.declareExchange(m))
	case *wire.ExchangeDelete:
		return noWait(m.NoWait, &wire.ExchangeDeleteOk{}, ch.deleteExchange(m))
	case *wire.ExchangeBind:
		return noWait(m.NoWait, &wire.ExchangeBindOk{}, ch.bindExchange(m))
	case *wire.ExchangeUnbind:
		return noWait(m.NoWait, &wire.ExchangeUnbindOk{}, ch.unbindExchange(m))
	case *wire.QueueDeclare:
		return ch.declareQueue(m)
	case *wire.QueueBind:
		return noWait(m.NoWait, &wire.QueueBindOk{}, ch.bindQueue(m))
	case *wire.QueueUnbind:
		return &wire.QueueUnbindOk{}, ch.unbindQueue(m)
	case *wire.QueuePurge:
		return ch.purgeQueue(m)
	case *wire.QueueDelete:
		return ch.deleteQueue(m)
	case *wire.BasicQos:
		return &wire.BasicQosOk{}, ch.qos(m)
	case *wire.BasicConsume:
		return nil, ch.consume(m)
	case *wire.BasicCancel:
		return ch.cancel(m)
	case *wire.BasicGet:
		return nil, ch.get(m)
	case *wire.BasicAck:
		return nil, ch.settle(m.DeliveryTag, m.Multiple, pubsub.Ack)
	case *wire.BasicNack:
		return nil, ch.settle(m.DeliveryTag, m.Multiple, requeueOrReject(m.Requeue))
	case *wire.BasicReject:
		return nil, ch.settle(m.DeliveryTag, false, requeueOrReject(m.Requeue))
	case *wire.BasicRecover:
		return nil, ch.recover(m.Requeue, &wire.BasicRecoverOk{})
	case *wire.BasicRecoverAsync:
		return nil, ch.recover(m.Requeue, nil)
	case *wire.ConfirmSelect:
		return noWait(m.NoWait, &wire.ConfirmSelectOk{}, ch.selectConfirms())
	case *wire.ChannelFlow:
		if !m.Active {
			return nil, wire.Errorf(wire.NotImplemented, "active=false")
		}
		return &wire.ChannelFlowOk{Active: true}, nil
	case *wire.AccessRequest:
		return &wire.AccessRequestOk{Ticket: 1}, nil
	case *wire.TxSelect:
		return &wire.TxSelectOk{}, ch.txSelect()
	case *wire.TxCommit:
		return &wire.TxCommitOk{}, ch.txCommit()
	case *wire.TxRollback:
		return &wire.TxRollbackOk{}, ch.txRollback()
	}
	return nil, wire.Errorf(wire.CommandInvalid, "unimplemented method")
}

// noWait returns the reply of a method unless the client wants none.
func noWait(no bool, reply wire.Method, err error) (wire.Method, error) {
	if no {
		return nil, err
	}
	return reply, err
}

// send queues a method, unless the channel is closed.
func (ch *channel) send(m wire.Method) {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	if !ch.closed {
		ch.c.send(ch.id, m)
	}
}

// fail closes the channel for an error: what it held goes back, and what
// comes until the client's close-ok is passed over. Safe for concurrent use.
func (ch *channel) fail(e *wire.Error) {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	if ch.closed {
		return
	}
	ch.flushLocked() // what was taken before is known
	ch.closed = true
	ch.c.send(ch.id, &wire.ChannelClose{ReplyCode: e.Code, ReplyText: e.Text, ClassID: e.Class, MethodID: e.Method})
	ch.ended.Add(1)
	ch.c.running.Go(func() {
		defer ch.ended.Done()
		ch.end()
	})
}

// ending reports whether fail was called.
func (ch *channel) ending() bool {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	return ch.closed
}

// leave lets nothing more go out.
func (ch *channel) leave() {
	ch.mu.Lock()
	ch.closed = true
	ch.mu.Unlock()
}

// end ends the consumers and puts back what is unsettled.
func (ch *channel) end() {
	ch.mu.Lock()
	ch.endRepliesLocked()
	consumers := ch.consumers
	ch.consumers = nil
	ch.c.counters.consumers.Add(-int64(len(consumers)))
	ch.rollbackLocked()
	rest := ch.unacked.all()
	ch.mu.Unlock()
	// All leave before what one of them held goes back, or another of them
	// would get it.
	for _, co := range consumers {
		co.sub.Cancel(ch.c.ctx)
	}
	for _, t := range rest {
		ch.tellOne(t, pubsub.Requeue, false)
	}
	for _, co := range consumers {
		co.sub.Close()
		co.running.Wait()
	}
}
