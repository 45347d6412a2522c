package rabbitmq

import (
	"fmt"
	"strings"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/gobindery/bindery/pubsub"
)

// When a publish makes RabbitMQ close the channel, the others in flight on it
// are innocent. RabbitMQ takes what comes by one channel in order, so that
//
//   - what was sent before the culprit was taken. If its confirm hasn't come, none
//     will: ErrUnconfirmed;
//   - the culprit gets the error;
//   - what was sent after it was discarded, and is sent again; or is
//     ErrUnavailable, if it is too large to be kept.
//
// The error names the exchange, but not the publish. Usually only one in
// flight fits. If several do, any may be the culprit but the later ones were
// not taken for certain only from the last on: that one gets the error, and
// those before it ErrUnconfirmed.
//
// It is rare: a publish whose exchange isn't known to be good goes by a lane of
// its own (see publisher). What is left is an exchange that another program
// deletes, or a permission that is withdrawn, while publishes are in flight.

// end gives outcomes after RabbitMQ closed the channel. It returns what is to
// be sent again, the error, and the exchange of the publish that got it.
func (l *lane) end() (again []flight, why *amqp.Error, exchange string) {
	select {
	case why = <-l.closes:
	default:
	}
	if why == nil {
		why = amqp.ErrClosed
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over != laneOpen {
		return nil, why, ""
	}
	l.over = laneClosed
	left := l.leftLocked()
	culprit := lastSuspect(left, why)
	for i, f := range left {
		switch {
		case i < culprit:
			f.resolve(fmt.Errorf("%w: another publish made the server close the channel before it confirmed this one: %s", pubsub.ErrUnconfirmed, reason(why)))
		case i == culprit:
			exchange = f.p.Exchange
			f.resolve(errorOf(why))
		case f.lean:
			f.resolve(fmt.Errorf("%w: another publish made the server close the channel, and it discarded this one: %s; publish it again", pubsub.ErrUnavailable, reason(why)))
		default:
			again = append(again, flight{p: f.p, key: f.key, then: f.then})
			f.p = nil
		}
	}
	l.flights.trim()
	l.wakeLocked()
	return again, why, exchange
}

// lastSuspect returns the index of the last of left that the error may be about.
func lastSuspect(left []*flight, why *amqp.Error) int {
	for i := len(left) - 1; i >= 0; i-- {
		if aboutExchange(why, left[i].p.Exchange) {
			return i
		}
	}
	return len(left) - 1 // it names none: it may be about any
}

// aboutExchange reports whether an error's text names the exchange.
func aboutExchange(e *amqp.Error, exchange string) bool {
	if exchange == "" {
		exchange = "amq.default" // as RabbitMQ's permissions call it
	}
	return strings.Contains(e.Reason, "exchange '"+exchange+"'")
}
