package interop

import (
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gobindery/bindery/adapters/amqpserver/internal/wire"
	"github.com/gobindery/bindery/adapters/rabbitmq/rabbitmqtest"
	"github.com/gobindery/bindery/pubsub"
)

// Random sessions are answered alike. "make soak" plays more of them, and
// others: $BINDERY_HISTORIES is how many, $BINDERY_SEED the first.
func TestRandomSessions(t *testing.T) {
	t.Parallel()
	from := setting(t, "BINDERY_SEED", 1)
	rabbitMQ, ours := rabbitmqtest.Shared(t).VHost(t), bindery(t)
	for seed := from; seed < from+setting(t, "BINDERY_HISTORIES", 40); seed++ {
		steps := newRandomSession(seed).steps()
		got := play(t, ours, steps, nil)
		want := play(t, rabbitMQ, steps, got)
		for i := range want {
			if i == len(got) || got[i] != want[i] {
				t.Fatalf("seed %d, after\n\t%s\nRabbitMQ:\n\t%s\nBindery:\n\t%s", seed, strings.Join(want[:i], "\n\t"), want[i], strings.Join(got[i:min(i+1, len(got))], ""))
			}
		}
	}
}

func setting(t *testing.T, variable string, otherwise uint64) uint64 {
	t.Helper()
	s := os.Getenv(variable)
	if s == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(s, 10, 64)
	must(t, err)
	return n
}

// play plays a session, and returns each step with what was answered. Where that
// closes the channel, it goes on with a new one, as soon as what the old one held
// is back: RabbitMQ puts that back after the channel's end, at any time. It is
// when the queues hold what they do in answers that are given, if any are.
func play(t *testing.T, url string, steps []any, like []string) (answered []string) {
	t.Helper()
	s := newSession(t, url)
	defer s.close()
	// What the session before held goes back after its end, at any time: what
	// is deleted is not compared.
	for _, name := range playedQueues {
		s.do(&wire.QueueDelete{Queue: name})
	}
	for _, name := range []string{"e1", "e2", "nope"} {
		s.do(&wire.ExchangeDelete{Exchange: name})
	}
	for _, step := range steps {
		if s.ended {
			break
		}
		s.lines = nil
		s.do(step)
		if m, ok := step.(message); ok && m.confirmed {
			for !s.ended && !settles(s.lines) {
				s.next()
			}
		} else if !s.ended && !failed(s.lines) {
			s.do(&wire.ChannelFlow{Active: true}) // nothing else is on its way
		}
		answer := describe(step) + " => " + ready.ReplaceAllString(strings.Join(s.lines, ", "), "$1 *")
		if failed(s.lines) && !s.ended {
			expected := ""
			if i := len(answered); i < len(like) && strings.HasPrefix(like[i], answer) {
				expected = like[i][len(answer):]
			}
			answer += s.leftLike(expected)
			s.do(&wire.ChannelOpen{})
			s.do(steps[0]) // the channel's mode
		}
		answered = append(answered, answer)
	}
	return answered
}

// playedQueues are those that a session may declare by name.
var playedQueues = []string{"q1", "q2", "q3", "nope"}

// leftLike returns what left does, once that is as expected, if anything is. What
// it still is after a while is returned, too.
func (s *session) leftLike(expected string) string {
	s.t.Helper()
	for end := time.Now().Add(bound / 3); ; time.Sleep(time.Millisecond) { // nothing tells when
		if left := s.left(); expected == "" || left == expected || time.Now().After(end) {
			return left
		}
	}
}

// left is what the queues hold, asked for on a channel of its own.
func (s *session) left() string {
	s.t.Helper()
	var lines []string
	for _, name := range playedQueues {
		s.lines = nil
		s.do(on{2, &wire.ChannelOpen{}}, on{2, inspect(name)})
		last := s.lines[len(s.lines)-1]
		lines = append(lines, last)
		if strings.HasPrefix(last, "2: queue.declare-ok") {
			s.do(on{2, &wire.ChannelClose{ReplyCode: 200}})
		}
	}
	return "; then " + strings.Join(lines, ", ")
}

// ready are the counts of RabbitMQ's queue.declare-ok that may come too early
// to count what the steps before did.
var ready = regexp.MustCompile(`(queue.declare-ok \S*) \d+`)

func failed(lines []string) bool {
	return len(lines) > 0 && strings.HasPrefix(lines[len(lines)-1], "channel 4")
}

// settles reports whether the outcome of a publish is known.
func settles(lines []string) bool {
	return failed(lines) || len(lines) > 0 && !strings.HasPrefix(lines[len(lines)-1], "basic.return")
}

func describe(step any) string {
	if m, ok := step.(message); ok {
		return fmt.Sprintf("basic.publish %+v %q, priority %d", m.BasicPublish, m.body, m.Priority)
	}
	return fmt.Sprintf("%s %+v", wire.Name(step.(wire.Method)), step)
}

// randomSession makes the steps of one.
type randomSession struct {
	*rand.Rand
	mode   wire.Method // confirms, transactions, or none
	bodies int
}

func newRandomSession(seed uint64) *randomSession {
	r := &randomSession{Rand: rand.New(rand.NewPCG(seed, 0))}
	r.mode = []wire.Method{&wire.ConfirmSelect{}, &wire.TxSelect{}, &wire.BasicQos{}}[r.IntN(3)]
	return r
}

// steps begins with the channel's mode.
func (r *randomSession) steps() []any {
	steps := do(r.mode, &wire.QueueDeclare{Queue: "q1", Arguments: r.arguments()}, &wire.QueueDeclare{Queue: "q2"}, &wire.ExchangeDeclare{Exchange: "e1", Type: r.kind()})
	for range 40 {
		steps = append(steps, r.step())
	}
	return steps
}

func (r *randomSession) step() any {
	switch n := r.IntN(24); {
	case n < 2:
		return &wire.QueueDeclare{Queue: r.queue(), Durable: r.rarely(), Exclusive: r.rarely(), AutoDelete: r.rarely(), Arguments: r.arguments()}
	case n < 3:
		// In a transaction, an internal one is refused later: see docs/amqp.md.
		_, inTx := r.mode.(*wire.TxSelect)
		return &wire.ExchangeDeclare{Exchange: r.exchange(), Type: r.kind(), Durable: r.rarely(), AutoDelete: r.rarely(), Internal: !inTx && r.rarely()}
	case n < 5:
		return &wire.QueueBind{Queue: r.queue(), Exchange: r.exchange(), RoutingKey: r.pattern()}
	case n < 6:
		return &wire.QueueUnbind{Queue: r.queue(), Exchange: r.exchange(), RoutingKey: r.pattern()}
	case n < 7:
		return &wire.ExchangeBind{Source: r.exchange(), Destination: r.exchange(), RoutingKey: r.pattern()}
	case n < 8:
		return &wire.ExchangeUnbind{Source: r.exchange(), Destination: r.exchange(), RoutingKey: r.pattern()}
	case n < 13:
		r.bodies++
		m := publish(r.exchange(), r.one("a", "b", "a.b", "", "q1", "q2"), strconv.Itoa(r.bodies))
		m.Mandatory = r.often()
		_, m.confirmed = r.mode.(*wire.ConfirmSelect)
		if r.rarely() {
			m.Given, m.Priority = wire.GivenPriority, uint8(r.IntN(5))
		}
		return m
	case n < 16:
		return &wire.BasicGet{Queue: r.queue(), NoAck: r.rarely()}
	case n < 18:
		return &wire.BasicAck{DeliveryTag: r.Uint64N(8), Multiple: r.often()}
	case n < 19:
		return &wire.BasicNack{DeliveryTag: r.Uint64N(8), Multiple: r.often(), Requeue: r.often()}
	case n < 20:
		return &wire.BasicReject{DeliveryTag: r.Uint64N(8), Requeue: r.often()}
	case n < 21:
		if r.often() {
			return &wire.TxRollback{}
		}
		return &wire.TxCommit{}
	case n < 22:
		return &wire.QueueDelete{Queue: r.queue(), IfUnused: r.rarely(), IfEmpty: r.rarely()}
	case n < 23:
		return &wire.ExchangeDelete{Exchange: r.exchange(), IfUnused: r.often()}
	}
	if r.often() {
		return &wire.QueuePurge{Queue: r.queue()}
	}
	return &wire.BasicRecover{Requeue: true}
}

func (r *randomSession) one(of ...string) string { return of[r.IntN(len(of))] }
func (r *randomSession) often() bool             { return r.IntN(2) == 0 }
func (r *randomSession) rarely() bool            { return r.IntN(8) == 0 }

func (r *randomSession) queue() string {
	return r.one("q1", "q1", "q2", "q2", "q3", "", "nope", "amq.x")
}

func (r *randomSession) exchange() string {
	return r.one("e1", "e1", "e2", "amq.topic", "amq.direct", "amq.fanout", "", "nope", "amq.x")
}

func (r *randomSession) kind() string    { return r.one("topic", "direct", "fanout") }
func (r *randomSession) pattern() string { return r.one("a", "#", "a.*", "b", "") }

func (r *randomSession) arguments() pubsub.Table {
	switch r.IntN(8) {
	case 0:
		return table("x-max-length", int32(r.IntN(3)))
	case 1:
		return table("x-max-length", int32(1+r.IntN(2)), "x-overflow", "reject-publish")
	case 2:
		return table("x-max-priority", int32(3))
	case 3:
		return table("x-single-active-consumer", true)
	}
	return nil
}
