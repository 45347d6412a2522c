package rabbitmq

import (
	"maps"
	"slices"
	"strings"
	"sync"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/gobindery/bindery/pubsub"
)

// records are what this Conn has declared and bound, so that after a reconnect
// it can declare again what is gone: see recover.go. Names are those that the
// program knows.
type records struct {
	volatile bool // the broker keeps nothing when it ends; set before use

	mu        sync.Mutex
	exchanges map[string]exchangeRecord
	queues    map[string]queueRecord
	bindings  map[route][]pubsub.Table
	missing   map[string]bool // queues that could not be declared again yet
}

// route is a binding without its arguments.
type route struct{ exchange, queue, toExchange, key string }

// exchangeRecord is an exchange as it was declared.
type exchangeRecord struct {
	name, kind                    string
	durable, autoDelete, internal bool
	args                          pubsub.Table
}

func (r exchangeRecord) declare(ch *amqp.Channel) error {
	return ch.ExchangeDeclare(r.name, r.kind, r.durable, r.autoDelete, r.internal, false, toAMQP(r.args))
}

// stays reports whether it outlives a restart of the broker and our connection.
func (r exchangeRecord) stays() bool { return r.durable && !r.autoDelete }

// queueRecord is a queue as it was declared.
type queueRecord struct {
	name                           string
	chosen                         bool // by the broker
	durable, exclusive, autoDelete bool
	args                           pubsub.Table
}

// declare declares the queue, with an empty name if the broker chose it.
func (r queueRecord) declare(ch *amqp.Channel, names *names) (pubsub.QueueInfo, error) {
	name := r.name
	if r.chosen {
		name = ""
	}
	args := r.args
	if key, ok := args["x-dead-letter-routing-key"].(string); ok && args["x-dead-letter-exchange"] == "" && names.current(key) != key {
		args = maps.Clone(args)
		args["x-dead-letter-routing-key"] = names.current(key)
	}
	q, err := ch.QueueDeclare(name, r.durable, r.autoDelete, r.exclusive, false, toAMQP(args))
	return pubsub.QueueInfo{Name: q.Name, Ready: q.Messages, Consumers: q.Consumers}, err
}

// stays reports whether it outlives a restart of the broker and our connection.
func (r queueRecord) stays() bool {
	return r.durable && !r.autoDelete && !r.exclusive && r.args["x-expires"] == nil
}

func (r *records) exchangeDeclared(e exchangeRecord) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.exchanges == nil {
		r.exchanges = make(map[string]exchangeRecord)
	}
	r.exchanges[e.name] = e
}

func (r *records) queueDeclared(q queueRecord) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.queues == nil {
		r.queues = make(map[string]queueRecord)
	}
	r.queues[q.name] = q
}

func (r *records) bound(b pubsub.Binding) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.bindings == nil {
		r.bindings = make(map[route][]pubsub.Table)
	}
	k := route{b.Exchange, b.Queue, b.ToExchange, b.Key}
	if !slices.ContainsFunc(r.bindings[k], b.Arguments.Equal) {
		r.bindings[k] = append(r.bindings[k], b.Arguments)
	}
}

func (r *records) unbound(b pubsub.Binding) {
	r.mu.Lock()
	defer r.mu.Unlock()
	k := route{b.Exchange, b.Queue, b.ToExchange, b.Key}
	left := slices.DeleteFunc(r.bindings[k], b.Arguments.Equal)
	if len(left) > 0 {
		r.bindings[k] = left
		return
	}
	delete(r.bindings, k)
	r.sourceUnboundLocked(b.Exchange)
}

func (r *records) exchangeDeleted(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.exchangeDeletedLocked(name)
}

func (r *records) exchangeDeletedLocked(name string) {
	delete(r.exchanges, name)
	r.dropBindingsLocked(func(k route) bool { return k.exchange == name || k.toExchange == name })
}

func (r *records) queueDeleted(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.queueDeletedLocked(name)
}

func (r *records) queueDeletedLocked(name string) {
	delete(r.queues, name)
	delete(r.missing, name)
	r.dropBindingsLocked(func(k route) bool { return k.queue == name })
}

// unused is told when the last of our consumers of a queue has left.
func (r *records) unused(queue string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.queues[queue].autoDelete {
		r.queueDeletedLocked(queue)
	}
}

func (r *records) dropBindingsLocked(gone func(route) bool) {
	var sources []string
	for k := range r.bindings {
		if gone(k) {
			delete(r.bindings, k)
			sources = append(sources, k.exchange)
		}
	}
	for _, name := range sources {
		r.sourceUnboundLocked(name)
	}
}

// sourceUnboundLocked forgets an auto-delete exchange without bindings from it.
func (r *records) sourceUnboundLocked(name string) {
	if e, ok := r.exchanges[name]; !ok || !e.autoDelete {
		return
	}
	for k := range r.bindings {
		if k.exchange == name {
			return
		}
	}
	r.exchangeDeletedLocked(name)
}

// owns reports whether a queue is ours, if it is exclusive.
func (r *records) owns(queue string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.queues[queue].exclusive
}

// pending reports whether a queue is still to be declared again.
func (r *records) pending(queue string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.missing[queue]
}

func (r *records) setPending(queue string, pending bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !pending {
		delete(r.missing, queue)
		return
	}
	if r.missing == nil {
		r.missing = make(map[string]bool)
	}
	r.missing[queue] = true
}

// lost returns what may be gone with a connection or a restart of the broker,
// in the order in which to declare it again.
func (r *records) lost() (exchanges []exchangeRecord, queues []queueRecord, bindings []pubsub.Binding) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.exchanges {
		if r.volatile || !e.stays() {
			exchanges = append(exchanges, e)
		}
	}
	for _, q := range r.queues {
		if r.volatile || !q.stays() {
			queues = append(queues, q)
		}
	}
	// Those whose names the broker chooses first: others may dead-letter to
	// them.
	slices.SortFunc(queues, func(a, b queueRecord) int {
		switch {
		case a.chosen == b.chosen:
			return strings.Compare(a.name, b.name)
		case a.chosen:
			return -1
		}
		return 1
	})
	for k, list := range r.bindings {
		if r.staysLocked(k) {
			continue
		}
		for _, args := range list {
			bindings = append(bindings, pubsub.Binding{Exchange: k.exchange, Queue: k.queue, ToExchange: k.toExchange, Key: k.key, Arguments: args})
		}
	}
	return exchanges, queues, bindings
}

// staysLocked reports whether both ends of a binding stay, and so does it.
func (r *records) staysLocked(k route) bool {
	if r.volatile {
		return false
	}
	stays := func(exchange string) bool {
		return strings.HasPrefix(exchange, "amq.") || r.exchanges[exchange].stays()
	}
	if k.toExchange != "" {
		return stays(k.exchange) && stays(k.toExchange)
	}
	return stays(k.exchange) && r.queues[k.queue].stays()
}
