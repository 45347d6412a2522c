package nats

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"

	engine "github.com/gobindery/bindery/adapters/nats/internal/queue"
	"github.com/gobindery/bindery/pubsub"
)

// deliveryHeader tells of a delivery between connections: subscription, tag,
// sequence, and 1 if it was handed out before.
const deliveryHeader = "Bindery-Delivery"

// elsewhere is a member at another connection.
type elsewhere struct {
	conn *Conn
	to   member
}

// deliver sends a delivery. It is called under the leader's lock.
func (e *elsewhere) deliver(d *engine.Delivery) {
	m := &nats.Msg{Subject: e.conn.names.deliverySubject(e.to.conn)}
	encodeDelivery(m, e.to.id, d)
	e.conn.nc.PublishMsg(m) // who isn't there any more is found out by watch
}

func encodeDelivery(m *nats.Msg, id uint64, d *engine.Delivery) {
	header, payload := encode(d.Message)
	m.Header, m.Data = make(nats.Header, 2), payload
	setHeader(m.Header, header, new([1]string))
	again := 0
	if d.Redelivered {
		again = 1
	}
	m.Header[deliveryHeader] = []string{fmt.Sprintf("%d %d %d %d", id, d.Tag, d.Seq, again)}
}

func decodeDelivery(m *nats.Msg) (id uint64, in pubsub.Incoming, h heldItem, err error) {
	fields := strings.Fields(m.Header.Get(deliveryHeader))
	var numbers [4]uint64
	if len(fields) != len(numbers) {
		return 0, in, h, fmt.Errorf("the header %s has %d fields", deliveryHeader, len(fields))
	}
	for i, f := range fields {
		if numbers[i], err = strconv.ParseUint(f, 10, 64); err != nil {
			return 0, in, h, err
		}
	}
	p, err := decode(m)
	if err != nil {
		return 0, in, h, err
	}
	again := numbers[3] == 1
	in = pubsub.Incoming{Envelope: &p.Envelope, Redelivered: again, Tag: numbers[1]}
	return numbers[0], in, heldItem{Tag: numbers[1], Seq: numbers[2], Again: again}, nil
}

// delivered takes a delivery of a leader elsewhere.
func (t *control) delivered(m *nats.Msg) {
	id, in, h, err := decodeDelivery(m)
	if err != nil {
		t.conn.warn("a delivery can't be read", err)
		return
	}
	t.conn.mu.Lock()
	s := t.conn.subs[id]
	t.conn.mu.Unlock()
	if s == nil {
		return
	}
	if s.opts.AutoAck {
		s.push(in, nil)
		// The leader sends as many as it hasn't heard of: see remoteOptions.
		s.mu.Lock()
		s.unsent.add(settlement{in.Tag, pubsub.Ack, true})
		idle := !s.unsent.sending
		s.mu.Unlock()
		if idle {
			t.conn.running.Go(s.sendSettlements)
		}
		return
	}
	s.push(in, &h)
}

// get answers a get with the message.
func (t *control) get(ctx context.Context, m *nats.Msg, l *leader, from member, autoAck bool) {
	d, ok, ready, err := l.get(ctx, from, autoAck)
	if err != nil || !ok {
		a := &answer{Count: ready}
		a.set(err)
		t.reply(m, a)
		return
	}
	reply := &nats.Msg{Subject: m.Reply}
	encodeDelivery(reply, from.id, &d)
	reply.Header.Set(readyHeader, strconv.Itoa(ready))
	t.conn.nc.PublishMsg(reply)
}

const readyHeader = "Bindery-Ready"

// askGet gets a message from a leader elsewhere.
func (t *control) askGet(ctx context.Context, conn string, s *subscription, autoAck bool) (pubsub.Got, error) {
	b, err := json.Marshal(&request{Op: opGet, From: t.conn.id, Queue: s.queue.record.Incarnation, ID: s.id, AutoAck: autoAck})
	if err != nil {
		return pubsub.Got{}, err
	}
	m, err := t.send(ctx, conn, b)
	if err != nil {
		return pubsub.Got{}, err
	}
	if m.Header.Get(deliveryHeader) == "" {
		var a answer
		if err := json.Unmarshal(m.Data, &a); err != nil {
			return pubsub.Got{}, err
		}
		return pubsub.Got{}, a.err()
	}
	_, in, h, err := decodeDelivery(m)
	if err != nil {
		return pubsub.Got{}, err
	}
	ready, _ := strconv.Atoi(m.Header.Get(readyHeader))
	got := pubsub.Got{Incoming: in, OK: true, Ready: ready}
	if !autoAck {
		s.push(in, &h)
		got.Settler = s
	}
	return got, nil
}
