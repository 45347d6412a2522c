package pubsubtest

import (
	"fmt"
	"math/rand/v2"

	"github.com/gobindery/bindery/pubsub"
)

// What histories are about: few names, so that steps meet.
var (
	historyQueues    = []string{"q1", "q2", "q3", "q4", grave}
	historyExchanges = []string{"e1", "e2", "e3", "e4", "amq.direct", "amq.topic"}
	historyKeys      = []string{"", "a", "b", "a.b", "b.a", "a.b.c", "q1", "q2"}
	historyPatterns  = []string{"", "a", "b", "a.b", "#", "*", "a.*", "*.b", "a.#", "#.a", "#.b.#", "*.*"}
)

func pick[T any](r *rand.Rand, of []T) T { return of[r.IntN(len(of))] }

// chance is true once in n times.
func chance(r *rand.Rand, n int) bool { return r.IntN(n) == 0 }

// randomStep makes one step. It depends on r alone.
func randomStep(r *rand.Rand) step {
	conn := r.IntN(historyConns)
	kinds := []struct {
		weight int
		make   func(*rand.Rand, int) step
	}{
		{6, declareExchangeStep}, {2, deleteExchangeStep}, {9, declareQueueStep}, {2, deleteQueueStep}, {1, purgeStep},
		{12, bindStep}, {4, unbindStep}, {30, publishStep}, {10, getStep}, {7, consumeStep}, {24, settleStep}, {4, leaveStep}, {2, closeConnStep},
	}
	total := 0
	for _, k := range kinds {
		total += k.weight
	}
	n := r.IntN(total)
	for _, k := range kinds {
		if n < k.weight {
			s := k.make(r, conn)
			s.text = fmt.Sprintf("connection %d: %s", conn, s.text)
			return s
		}
		n -= k.weight
	}
	panic("unreachable")
}

func declareExchangeStep(r *rand.Rand, conn int) step {
	e := pubsub.Exchange{Name: pick(r, historyExchanges), Kind: pick(r, pubsub.Kinds()), AutoDelete: chance(r, 6), Internal: chance(r, 8)}
	if chance(r, 3) {
		e.Alternate = pick(r, historyExchanges)
	}
	return step{fmt.Sprintf("declare exchange %s: %s", e.Name, describe(e)), func(p *play) {
		p.agree(p.conns[conn].DeclareExchange(p.w.ctx, e), p.m.declareExchange(e))
	}}
}

func deleteExchangeStep(r *rand.Rand, conn int) step {
	name, ifUnused := pick(r, historyExchanges), chance(r, 2)
	return step{fmt.Sprintf("delete exchange %s, if unused: %v", name, ifUnused), func(p *play) {
		p.agree(p.conns[conn].DeleteExchange(p.w.ctx, name, &pubsub.DeleteExchangeOptions{IfUnused: ifUnused}), p.m.deleteExchange(name, ifUnused))
	}}
}

func declareQueueStep(r *rand.Rand, conn int) step {
	q := pubsub.Queue{Name: pick(r, historyQueues[:4])}
	switch q.Name { // so that equal declares are frequent
	case "q1":
		q.MaxLength, q.DeadLetter = ptr(2), &pubsub.DeadLetter{Exchange: "dlx"}
	case "q2":
		q.MaxPriority = 2
	case "q3":
		q.Overflow, q.MaxLength = pubsub.RejectPublish, ptr(3)
	}
	switch r.IntN(8) {
	case 0:
		q.AutoDelete = true
	case 1:
		q.Exclusive = true
	case 2:
		q.DeadLetter = &pubsub.DeadLetter{Exchange: "dlx", RoutingKey: ptr("dead")}
	case 3:
		q.MaxLength, q.Overflow = ptr(1), pubsub.RejectPublishDLX
	}
	return step{fmt.Sprintf("declare queue %s: %s", q.Name, describe(q)), func(p *play) {
		name, err := p.conns[conn].DeclareQueue(p.w.ctx, q)
		if p.agree(err, p.m.declareQueue(conn, q)) {
			p.is("name", name, q.Name)
		}
	}}
}

func deleteQueueStep(r *rand.Rand, conn int) step {
	name, o := pick(r, historyQueues[:4]), pubsub.DeleteQueueOptions{IfUnused: chance(r, 3), IfEmpty: chance(r, 3)}
	return step{fmt.Sprintf("delete queue %s %+v", name, o), func(p *play) {
		n, err := p.conns[conn].DeleteQueue(p.w.ctx, name, &o)
		want, wantErr := p.m.deleteQueue(conn, name, o)
		if p.agree(err, wantErr) {
			p.is("messages deleted", n, want)
		}
	}}
}

func purgeStep(r *rand.Rand, conn int) step {
	name := pick(r, historyQueues)
	return step{"purge queue " + name, func(p *play) {
		n, err := p.conns[conn].PurgeQueue(p.w.ctx, name)
		want, wantErr := p.m.purge(conn, name)
		if p.agree(err, wantErr) {
			p.is("messages purged", n, want)
		}
	}}
}

func randomBinding(r *rand.Rand) pubsub.Binding {
	b := pubsub.Binding{Exchange: pick(r, historyExchanges), Key: pick(r, historyPatterns)}
	if chance(r, 4) {
		b.ToExchange = pick(r, historyExchanges)
	} else {
		b.Queue = pick(r, historyQueues[:4])
	}
	if chance(r, 3) {
		b.Arguments = randomHeaders(r)
		if chance(r, 2) {
			b.Arguments["x-match"] = pick(r, []any{"all", "any", "all-with-x", "any-with-x"})
		}
	}
	return b
}

func randomHeaders(r *rand.Rand) pubsub.Table {
	t := pubsub.Table{}
	for _, name := range []string{"h", "i", "x-h"} {
		if chance(r, 2) {
			t[name] = pick(r, []any{int32(1), int64(1), 1.0, "1", true, nil, []byte("1")})
		}
	}
	return t
}

func bindStep(r *rand.Rand, conn int) step {
	b := randomBinding(r)
	return step{fmt.Sprintf("bind %v", b), func(p *play) {
		p.agree(p.conns[conn].Bind(p.w.ctx, b), p.m.bind(conn, b))
	}}
}

func unbindStep(r *rand.Rand, conn int) step {
	b, n := randomBinding(r), r.IntN(1<<16)
	random := chance(r, 4)
	text := fmt.Sprintf("unbind %v", b)
	if !random {
		text = fmt.Sprintf("unbind the binding at hand for %d", n)
	}
	return step{text, func(p *play) {
		b := b
		if all := p.m.bindings[1:]; !random && len(all) > 0 { // the first is the grave's
			b = all[n%len(all)]
		}
		p.agree(p.conns[conn].Unbind(p.w.ctx, b), p.m.unbind(conn, b))
	}}
}

func publishStep(r *rand.Rand, conn int) step {
	exchange, key := pick(r, historyExchanges), pick(r, historyKeys)
	if chance(r, 3) {
		exchange, key = "", pick(r, historyQueues[:4])
	}
	msg := pubsub.Message{Priority: uint8(r.IntN(4))}
	if chance(r, 2) {
		msg.Headers = randomHeaders(r)
	}
	mandatory := chance(r, 2)
	text := fmt.Sprintf("publish to %q, key %q, priority %d, headers %s, mandatory %v", exchange, key, msg.Priority, typed(msg.Headers), mandatory)
	return step{text, func(p *play) {
		body := fmt.Sprintf("m%d", p.m.step)
		m := msg
		m.Body = []byte(body)
		var o []pubsub.PublishOption
		if mandatory {
			o = append(o, pubsub.Mandatory)
		}
		p.agree(p.conns[conn].send(exchange, key, m, o...),
			p.m.publish(exchange, key, modelMessage{body: body, headers: msg.Headers, priority: msg.Priority}, mandatory))
	}}
}
