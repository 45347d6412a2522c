package rabbitmq

import (
	"errors"
	"strings"
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/gobindery/bindery/pubsub"
)

// Who gets what when RabbitMQ closes a channel, by the exchanges of the
// publishes in flight, in order.
func TestCulprit(t *testing.T) {
	const vhost = " in vhost '/'"
	notFound := &amqp.Error{Code: amqp.NotFound, Reason: "NOT_FOUND - no exchange 'x'" + vhost, Server: true}
	refused := &amqp.Error{Code: amqp.AccessRefused, Reason: "ACCESS_REFUSED - access to exchange 'amq.default'" + vhost + " refused for user 'u'", Server: true}
	tooLarge := &amqp.Error{Code: amqp.PreconditionFailed, Reason: "PRECONDITION_FAILED - message size 9 is larger than configured max size 8", Server: true}
	for _, c := range []struct {
		why       *amqp.Error
		exchanges string // of the publishes in flight; "-" is the default exchange
		want      string // unknown, error, discarded or again
		culprit   string
	}{
		{notFound, "x", "error", "x"},
		{notFound, "a b x c d", "unknown unknown error again again", "x"},
		{notFound, "x c", "error again", "x"},
		{notFound, "a x b x c", "unknown unknown unknown error again", "x"},
		{notFound, "xx x x-large-x c-large", "unknown error again discarded", "x"},
		{refused, "a - b", "unknown error again", ""},
		{tooLarge, "a b", "unknown error", "b"},
		{tooLarge, "a", "error", "a"},
	} {
		l := &lane{closes: make(chan *amqp.Error, 1)}
		l.closes <- c.why
		names := strings.Fields(c.exchanges)
		got := make([]string, len(names))
		pubs := make(map[*pubsub.Publication]int)
		for i, name := range names {
			if name == "-" {
				name = ""
			}
			f := flight{p: &pubsub.Publication{}, dc: &amqp.DeferredConfirmation{}}
			f.p.Exchange = name
			f.lean = strings.HasSuffix(name, "-large")
			f.then = func(err error) {
				switch {
				case errors.Is(err, pubsub.ErrUnconfirmed):
					got[i] = "unknown"
				case errors.Is(err, pubsub.ErrUnavailable):
					got[i] = "discarded"
				case errors.Is(err, c.why):
					got[i] = "error"
				}
			}
			pubs[f.p] = i
			l.flights.push(f)
		}
		again, why, culprit := l.end()
		for _, f := range again {
			got[pubs[f.p]] = "again"
			if f.dc != nil {
				t.Error("what is to be sent again has the confirm of the last time")
			}
		}
		if s := strings.Join(got, " "); s != c.want || why != c.why || culprit != c.culprit {
			t.Errorf("%s, in flight to %s:\ngot  %s, culprit %q\nwant %s, culprit %q", c.why.Reason, c.exchanges, s, culprit, c.want, c.culprit)
		}
		if l.flights.len() != 0 {
			t.Errorf("%d flights are left", l.flights.len())
		}
	}
}

func TestFlights(t *testing.T) {
	var q flights
	next, first := 0, 0
	for round := range 200 {
		for range round % 7 {
			q.push(flight{p: &pubsub.Publication{}, key: string(rune('a' + next%26))})
			next++
		}
		if q.len() > 0 && round%5 == 0 {
			q.pop()
			next--
		}
		for i := range q.len() {
			if want := string(rune('a' + (first+i)%26)); q.at(i).key != want {
				t.Fatalf("round %d: flight %d is %q; want %q", round, i, q.at(i).key, want)
			}
		}
		// Those in the middle end first.
		for i := range q.len() / 2 {
			q.at(i).p = nil
		}
		n := q.len() / 2
		q.trim()
		first += n
		if q.len() != next-first || q.start() != uint64(first) || q.end() != uint64(next) {
			t.Fatalf("round %d: %d to %d, %d in the queue; want %d to %d", round, q.start(), q.end(), q.len(), first, next)
		}
	}
	if cap(q.pending) > 4*(next-first)+64 {
		t.Errorf("the queue has room for %d, with %d in it", cap(q.pending), next-first)
	}
}
