package pubsubtest

import "github.com/gobindery/bindery/pubsub"

func (m *model) consume(conn int, name string, o pubsub.ConsumeOptions) (*modelConsumer, error) {
	q, err := m.lookup(conn, name)
	if err != nil {
		return nil, err
	}
	if q.consumer != nil && (o.Exclusive || q.consumer.options.Exclusive) {
		return nil, pubsub.ErrAccessRefused
	}
	c := &modelConsumer{queue: q, conn: conn, options: o}
	q.consumer = c
	m.dispatch(q)
	return c, nil
}

// leave ends a consumer. What it has not settled stays with the program.
func (m *model) leave(c *modelConsumer) {
	if c.left {
		return
	}
	c.left = true
	c.queue.consumer = nil
	if c.queue.AutoDelete {
		m.dropQueue(c.queue)
	}
}

func (m *model) get(conn int, name string) (*modelMessage, *modelQueue, error) {
	q, err := m.lookup(conn, name)
	if err != nil || len(q.ready) == 0 {
		return nil, q, err
	}
	head := q.ready[0]
	q.ready = q.ready[1:]
	return head, q, nil
}

// settle settles deliveries with one outcome, and returns the error of the
// first, which the program settles.
func (m *model) settle(d *modelDelivery, o pubsub.Outcome) error {
	switch {
	case d.returned:
		return d.lost()
	case d.settled:
		return pubsub.ErrSettled
	}
	d.settled = true
	if d.consumer != nil {
		d.consumer.unacked--
	}
	if d.queue.gone {
		return nil
	}
	switch o {
	case pubsub.Requeue:
		d.redelivered = true
		d.queue.insert(d.modelMessage)
		m.dropHeads(d.queue)
	case pubsub.Reject:
		m.deadLetter(d.queue, d.modelMessage, "rejected")
	}
	m.dispatch(d.queue)
	return nil
}

// lost is the error of settling a delivery that was returned. One that came by
// get is settled by the first try.
func (d *modelDelivery) lost() error {
	if d.consumer == nil && d.settled {
		return pubsub.ErrSettled
	}
	d.settled = true
	return pubsub.ErrDeliveryLost
}

// giveBack returns unsettled deliveries to their queues at once, as the end of
// a consumer or a connection does.
func (m *model) giveBack(ds []*modelDelivery) {
	queues := map[*modelQueue]bool{}
	for _, d := range ds {
		if d.settled || d.returned {
			continue
		}
		d.returned = true
		if d.consumer != nil {
			d.consumer.unacked--
		}
		if !d.queue.gone {
			d.redelivered = true
			d.queue.insert(d.modelMessage)
			queues[d.queue] = true
		}
	}
	for q := range queues {
		m.dropHeads(q)
		m.dispatch(q)
	}
}

// closeConn ends a connection.
func (m *model) closeConn(conn int, held []*modelDelivery) {
	for _, q := range m.queues {
		if q.consumer != nil && q.consumer.conn == conn {
			m.leave(q.consumer)
		}
	}
	for _, q := range m.queues {
		if q.Exclusive && q.owner == conn {
			m.dropQueue(q)
		}
	}
	m.giveBack(held)
}
