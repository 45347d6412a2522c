package pubsubtest

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gobindery/bindery/pubsub"
)

// play is one run of a history: the adapter's side and the model's, which must
// say the same.
type play struct {
	w         *world
	m         *model
	conns     []*conn
	consumers []*pair
	held      []*holding // every delivery so far, settled or not
}

// pair is a consumer on both sides.
type pair struct {
	real  *consumer
	model *modelConsumer
	conn  int
	ended bool // nothing more is expected of it
}

// holding is a delivery on both sides.
type holding struct {
	real  pubsub.Delivery
	model *modelDelivery
	pair  *pair // nil if it came by get
}

// step is one step of a history. What it refers to need not be there; then it
// does nothing, so that steps can be left out.
type step struct {
	text string
	run  func(p *play)
}

const (
	historyConns = 3
	grave        = "grave" // gets all dead letters
)

// run plays steps on an empty world, and ends the goroutine at the first
// difference.
func (p *play) run(steps []step) {
	w := p.w
	for range historyConns {
		p.conns = append(p.conns, w.open())
	}
	p.m.exchanges["dlx"] = pubsub.Exchange{Name: "dlx", Kind: pubsub.Fanout}
	p.m.queues[grave] = &modelQueue{Queue: pubsub.Queue{Name: grave}}
	p.m.bindings = []pubsub.Binding{{Exchange: "dlx", Queue: grave}}
	p.conns[0].fanouts("dlx")
	p.conns[0].bind("dlx", p.conns[0].queue(pubsub.Queue{Name: grave}), "")
	for i, s := range steps {
		p.m.step = i + 1
		w.wait("step %d: %s", i+1, s.text)
		s.run(p)
		p.compare()
		if w.hasFailed() {
			return
		}
	}
	p.m.step++
	p.finish()
}

// agree ends the play where the sides return different errors. It reports
// whether both succeeded.
func (p *play) agree(got, want error) bool {
	p.w.Helper()
	if want == nil && got != nil || want != nil && !errors.Is(got, want) {
		p.w.Fatalf("got the error %v; want %v", got, want)
	}
	return got == nil
}

// is ends the play where a value differs.
func (p *play) is(what string, got, want any) {
	p.w.Helper()
	if !same(got, want) {
		p.w.Fatalf("%s: got %s; want %s", what, show(got), show(want))
	}
}

// compare takes what came to the consumers, and compares all counts.
func (p *play) compare() {
	w := p.w
	w.Helper()
	for _, c := range p.consumers {
		if c.ended {
			continue
		}
		for len(c.model.arriving) > 0 {
			msg := c.model.arriving[0]
			c.model.arriving = c.model.arriving[1:]
			d, err := c.real.receive(w.patience)
			if err != nil {
				w.Fatalf("a consumer of queue %s waits for %q: %v", c.real.Queue(), msg.body, err)
			}
			p.took(d, msg, c.model.queue, slices.Concat(c.model.arriving, c.model.queue.ready))
			if !c.model.options.AutoAck {
				p.held = append(p.held, &holding{d, &modelDelivery{modelMessage: msg, queue: c.model.queue, conn: c.conn, consumer: c.model}, c})
			}
		}
		if c.model.queue.gone && !c.model.left {
			d, err := c.real.receive(w.patience)
			if !errors.Is(err, pubsub.ErrConsumerCanceled) {
				w.Fatalf("a consumer of queue %s, which is gone: got %q and the error %v; want its end", c.real.Queue(), clip(d.Body), err)
			}
			c.ended, c.model.left = true, true
		}
	}
	want := p.wanted()
	w.eventually("the queues and exchanges of the model", func() (any, bool) {
		got := p.found()
		return fmt.Sprintf("%q, not %q", got, want), slices.Equal(got, want)
	})
}

// wanted is the state of the model.
func (p *play) wanted() (s []string) {
	for _, name := range historyQueues {
		if q, ok := p.m.queues[name]; ok {
			consumers := 0
			if q.consumer != nil {
				consumers = 1
			}
			s = append(s, fmt.Sprintf("queue %s ready %d consumers %d", name, len(q.ready), consumers))
		}
	}
	for _, name := range historyExchanges {
		if _, ok := p.m.exchanges[name]; ok {
			s = append(s, "exchange "+name)
		}
	}
	return s
}

// found is the state of the adapter, read through connections that may.
func (p *play) found() (s []string) {
	w := p.w
	for _, name := range historyQueues {
		from := p.conns[0]
		if q, ok := p.m.queues[name]; ok && q.Exclusive {
			from = p.conns[q.owner]
		}
		info, err := from.InspectQueue(w.ctx, name)
		if err == nil {
			s = append(s, fmt.Sprintf("queue %s ready %d consumers %d", name, info.Ready, info.Consumers))
		} else if !errors.Is(err, pubsub.ErrNotFound) {
			s = append(s, err.Error())
		}
	}
	for _, name := range historyExchanges {
		if err := p.conns[0].CheckExchange(w.ctx, name); err == nil {
			s = append(s, "exchange "+name)
		} else if !errors.Is(err, pubsub.ErrNotFound) {
			s = append(s, err.Error())
		}
	}
	return s
}

// took compares a delivery with what the model says comes next. What died in one
// step, in several queues, may come in any order: the others are looked through
// for it.
func (p *play) took(d pubsub.Delivery, msg *modelMessage, q *modelQueue, others []*modelMessage) {
	p.w.Helper()
	if string(d.Body) != msg.body && q.Name == grave {
		for _, o := range others {
			if o.body == string(d.Body) && o.step == msg.step {
				swap(o, msg)
				break
			}
		}
	}
	show := func(body, exchange, key string, redelivered bool) string {
		return fmt.Sprintf("%q, published to %q with key %q, redelivered %v", body, exchange, key, redelivered)
	}
	got := show(string(d.Body), d.Exchange, d.RoutingKey, d.Redelivered)
	if want := show(msg.body, msg.exchange, msg.key, msg.redelivered); got != want {
		p.w.Fatalf("next from queue %s: got %s; want %s", q.Name, got, want)
	}
	if len(msg.deaths) > 0 {
		p.w.history(d, msg.headers, msg.deaths[0], msg.deaths...)
	} else if !d.Headers.Equal(msg.headers) {
		p.w.Fatalf("message %s: got the headers %s; want %s", msg.body, typed(d.Headers), typed(msg.headers))
	}
}

// swap exchanges two messages, and leaves their places.
func swap(a, b *modelMessage) {
	*a, *b = *b, *a
	a.position, b.position = b.position, a.position
}

// drain takes everything from a queue by the first connection, and compares it.
func (p *play) drain(q *modelQueue) {
	p.w.Helper()
	ds := p.conns[0].take(q.Name)
	ready := q.ready
	q.ready = nil
	var want []string
	for _, msg := range ready {
		want = append(want, msg.body)
	}
	if len(ds) != len(ready) {
		p.w.Fatalf("queue %s holds %q; want %q", q.Name, bodies(ds), want)
	}
	for i, d := range ds {
		p.took(d, ready[i], q, ready[i+1:])
	}
}

// finish ends the consumers, and compares all that is left.
func (p *play) finish() {
	p.w.wait("the queues after the last step")
	for len(p.consumers) > 0 { // more deliveries, but no more consumers come
		c := p.consumers[0]
		p.consumers = p.consumers[1:]
		p.closeConsumer(c)
		p.compare()
	}
	for i, c := range p.conns[1:] {
		p.m.closeConn(i+1, p.heldBy(i+1))
		p.w.ok(c.Close())
		p.compare()
	}
	for _, name := range historyQueues {
		if q, ok := p.m.queues[name]; ok && q.owner == 0 || ok && !q.Exclusive {
			p.drain(q)
		}
	}
}

// heldBy are the deliveries of a connection.
func (p *play) heldBy(conn int) (ds []*modelDelivery) {
	for _, h := range p.held {
		if h.model.conn == conn {
			ds = append(ds, h.model)
		}
	}
	return ds
}

// closeConsumer closes a consumer on both sides.
func (p *play) closeConsumer(c *pair) {
	var ds []*modelDelivery
	for _, h := range p.held {
		if h.pair == c {
			ds = append(ds, h.model)
		}
	}
	p.m.leave(c.model)
	p.m.giveBack(ds)
	c.ended = true
	p.w.ok(c.real.Close())
}

// list is steps as text, with their numbers.
func list(steps []step) string {
	var b strings.Builder
	for i, s := range steps {
		fmt.Fprintf(&b, "  %3d  %s\n", i+1, s.text)
	}
	return b.String()
}
