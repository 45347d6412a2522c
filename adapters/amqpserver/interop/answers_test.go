package interop

import (
	"slices"
	"strings"
	"testing"

	"github.com/gobindery/bindery/adapters/amqpserver/internal/wire"
	"github.com/gobindery/bindery/pubsub"
)

// answer is what a client is told, in words, on RabbitMQ as on the server.
type answer struct {
	name  string
	given []any    // steps that go well
	when  []any    // the last steps
	want  []string // all that comes from then on
}

// differences are what the server answers instead of what RabbitMQ does, by the name
// in the table. docs/amqp.md tells why.
var differences = map[string][]string{
	"the exchange for tracing":          says("channel 404 NOT_FOUND - no exchange 'amq.rabbitmq.trace' in vhost 'V' (40.10)"),
	"type foo, named by the server":     says("channel 406 PRECONDITION_FAILED - invalid arg 'x-queue-type' for queue 'amq.gen-*' in vhost 'V': \"unsupported queue type 'foo'\" (50.10)"),
	"declare again with an invalid TTL": says("channel 406 PRECONDITION_FAILED - invalid arg 'x-message-ttl' for queue 'q' in vhost 'V': {value_negative,-1} (50.10)"),
	"publish to an internal exchange":   says("queue.declare-ok q 0 0"),
	"quorum, named by the server":       says("connection 540 NOT_IMPLEMENTED - queues of type quorum need RabbitMQ; here there are classic ones (50.10)"),
	"stream, not durable":               says("connection 540 NOT_IMPLEMENTED - queues of type stream need RabbitMQ; here there are classic ones (50.10)"),
}

// answers checks a table of answers on both.
func answers(t *testing.T, table []answer) {
	t.Parallel()
	both(t, func(t *testing.T, url string) {
		for _, a := range table {
			if ours, ok := differences[a.name]; ok && strings.Contains(t.Name(), "/Bindery") {
				a.want = ours
			}
			t.Run(a.name, func(t *testing.T) { a.check(t, url) })
		}
	})
}

func (a *answer) check(t *testing.T, url string) {
	s := newSession(t, url)
	s.do(a.given...)
	for _, l := range s.lines {
		if strings.HasPrefix(l, "channel 4") || strings.HasPrefix(l, "connection 5") {
			t.Fatalf("what is given went wrong: %s", l)
		}
	}
	s.lines = nil
	s.do(a.when...)
	for !s.ended && len(s.lines) < len(a.want) {
		s.next()
	}
	got := s.lines
	if last := got[max(0, len(got)-1):]; !s.ended && !(len(last) == 1 && strings.HasPrefix(last[0], "channel 4")) {
		// Nothing else is on its way.
		s.do(&wire.ChannelFlow{Active: true})
		got = slices.DeleteFunc(s.lines, func(l string) bool { return l == "channel.flow-ok" })
	}
	if !slices.Equal(got, a.want) {
		t.Errorf("got\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(a.want, "\n\t"))
	}
	s.close()
	a.forget(newSession(t, url))
}

// forget deletes what the steps have declared.
func (a *answer) forget(s *session) {
	for _, step := range slices.Concat(a.given, a.when) {
		switch o := step.(type) {
		case on:
			step = o.step
		case elsewhere:
			step = o.step
		}
		switch m := step.(type) {
		case *wire.ExchangeDeclare:
			if !strings.HasPrefix(m.Exchange, "amq.") && m.Exchange != "" {
				s.do(&wire.ExchangeDelete{Exchange: m.Exchange})
			}
		case *wire.QueueDeclare:
			if !strings.HasPrefix(m.Queue, "amq.") && m.Queue != "" {
				s.do(&wire.QueueDelete{Queue: m.Queue})
			}
		}
	}
	s.close()
}

// The steps that most tables have.

func do(steps ...any) []any { return steps }

// then goes on after some steps, which other rows may begin with as well.
func then(steps []any, more ...any) []any { return append(slices.Clip(steps), more...) }

func says(lines ...string) []string { return lines }

// exchange declares one.
func exchange(name, kind string) *wire.ExchangeDeclare {
	return &wire.ExchangeDeclare{Exchange: name, Type: kind}
}

// queue declares one, with arguments: names and values in turn.
func queue(name string, arguments ...any) *wire.QueueDeclare {
	return &wire.QueueDeclare{Queue: name, Arguments: table(arguments...)}
}

func table(pairs ...any) pubsub.Table {
	t := pubsub.Table{}
	for p := range slices.Chunk(pairs, 2) {
		t[p[0].(string)] = p[1]
	}
	return t
}

func bind(queue, exchange, key string, arguments ...any) *wire.QueueBind {
	return &wire.QueueBind{Queue: queue, Exchange: exchange, RoutingKey: key, Arguments: table(arguments...)}
}

// publish sends a message.
func publish(exchange, key, body string) message {
	return message{BasicPublish: wire.BasicPublish{Exchange: exchange, RoutingKey: key}, body: body}
}

// put puts messages into a queue; it is known that they are there. Confirms must
// be selected.
func put(queue string, bodies ...string) (steps []any) {
	for _, b := range bodies {
		steps = append(steps, publish("", queue, b), awaited(1))
	}
	return steps
}

// filled is a queue "q" with messages, on a channel with confirms.
func filled(bodies ...string) []any {
	return append(do(queue("q"), confirm), put("q", bodies...)...)
}

// mandatory sends one that must be routed.
func mandatory(exchange, key, body string) message {
	m := publish(exchange, key, body)
	m.Mandatory = true
	return m
}

// inspect asks for a queue's counts.
func inspect(name string) *wire.QueueDeclare { return &wire.QueueDeclare{Queue: name, Passive: true} }

func get(queue string) *wire.BasicGet { return &wire.BasicGet{Queue: queue} }

func consume(queue, tag string) *wire.BasicConsume {
	return &wire.BasicConsume{Queue: queue, ConsumerTag: tag}
}

// confirm makes the server tell what becomes of publishes, which keeps the
// steps after them in order.
var confirm = &wire.ConfirmSelect{}
