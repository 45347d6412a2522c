package pubsub

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// retryHeader is a table in the headers of a message that was retried or
// parked: of which queue, how often it failed and why, and what the way through
// the delay queue would have changed about it.
const retryHeader = "x-retry"

// attempts is what the header says.
type attempts struct {
	failed      int
	first, last time.Time // of the failures
	errors      []string  // of the latest failures, in order
	brief       bool      // the errors don't fit

	// What the message was published with.
	exchange, key string
	cc            []any          // nil if there is none
	expiration    *time.Duration // would end the pause early
	userID        string         // the broker would take it for ours

	// deaths are the headers that tell of the message's dead-lettering, if
	// that names its own queue: the broker could take the way back from the
	// delay queue for a cycle, and drop the message.
	deaths Table
}

// Bounds for what the header holds.
const (
	keptErrors = 10
	keptText   = 500 // bytes of an error's text
)

// deathHeaders are those that a broker writes when it dead-letters.
var deathHeaders = [...]string{"x-death", "x-first-death-reason", "x-first-death-queue", "x-first-death-exchange"}

// attemptsOf reads what a delivery from a queue says of its attempts. What is
// said of another queue doesn't count; nor do the numbers of a message that was
// parked and has been moved back.
func attemptsOf(e *Envelope, queue string) attempts {
	t, ok := e.Headers[retryHeader].(Table)
	if !ok || t["queue"] != queue {
		return attempts{exchange: e.Exchange, key: e.RoutingKey, cc: list(e.Headers["CC"]), expiration: e.Expiration, userID: e.UserID}
	}
	a := attempts{cc: list(t["cc"])}
	a.exchange, _ = t["exchange"].(string)
	a.key, _ = t["routing-key"].(string)
	a.userID, _ = t["user-id"].(string)
	a.deaths, _ = t["deaths"].(Table)
	if ms, ok := t["expiration"].(int64); ok {
		a.expiration = new(time.Duration(ms) * time.Millisecond)
	}
	if _, parked := e.Headers[parkedHeader]; parked {
		return a
	}
	n, _ := t["failed"].(int64)
	a.failed = int(max(n, 0))
	a.first, _ = t["first-time"].(time.Time)
	a.last, _ = t["last-time"].(time.Time)
	for _, e := range list(t["errors"]) {
		if s, ok := e.(string); ok {
			a.errors = append(a.errors, s)
		}
	}
	return a
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}

// fail notes one more failure.
func (a *attempts) fail(err error, now time.Time) {
	if a.failed++; a.first.IsZero() {
		a.first = now
	}
	a.last = now
	a.errors = append(slices.Clip(a.errors), errorText(err))
	a.errors = a.errors[max(0, len(a.errors)-keptErrors):]
}

// errorText is an error's text, as a header can hold it. It does not panic where
// the error's own method does.
func errorText(err error) string {
	s := fmt.Sprint(err)
	return strings.ToValidUTF8(s[:min(len(s), keptText)], "")
}

// table is the header. The deaths are those that are set aside.
func (a *attempts) table(queue string, deaths Table) Table {
	t := Table{
		"queue":       queue,
		"failed":      int64(a.failed),
		"first-time":  seconds(a.first),
		"last-time":   seconds(a.last),
		"exchange":    a.exchange,
		"routing-key": a.key,
	}
	if !a.brief {
		texts := make([]any, len(a.errors))
		for i, s := range a.errors {
			texts[i] = s
		}
		t["errors"] = texts
	}
	if a.cc != nil {
		t["cc"] = a.cc
	}
	if a.expiration != nil {
		t["expiration"] = a.expiration.Milliseconds()
	}
	if a.userID != "" {
		t["user-id"] = a.userID
	}
	if deaths != nil {
		t["deaths"] = deaths
	}
	return t
}

// message is the message of a delivery as it goes to a delay queue, or to be
// parked. The delivery is as it came, not as its handler saw it.
func (a *attempts) message(d *Delivery) Message {
	queue := d.window.origin.queue
	m := d.Message
	m.Expiration = nil
	m.UserID = ""
	m.Headers = maps.Clone(m.Headers)
	if m.Headers == nil {
		m.Headers = Table{}
	}
	delete(m.Headers, "CC")
	delete(m.Headers, "BCC")
	delete(m.Headers, parkedHeader)
	deaths := a.deaths
	if namesQueue(m.Headers, queue) {
		deaths = a.setAside(m.Headers)
	}
	m.Headers[retryHeader] = a.table(queue, deaths)
	return m
}

// setAside takes the death headers out of those of a message, and returns them
// with what was set aside before. It leaves a as it is: the same delivery may
// have to be sent again.
func (a *attempts) setAside(headers Table) Table {
	deaths := Table{}
	for _, name := range deathHeaders {
		if v, ok := headers[name]; ok {
			deaths[name] = v
			delete(headers, name)
		}
	}
	for name, v := range a.deaths {
		if name == "x-death" {
			v = joinDeaths(list(deaths[name]), list(v))
		}
		deaths[name] = v // the first death stays the first
	}
	return deaths
}

// joinDeaths joins two lists of deaths, the later one first. There is one entry
// for a queue and a reason, as in the broker's own: it keeps what the first death
// said, and counts all.
func joinDeaths(later, earlier []any) []any {
	rest := slices.Clone(earlier)
	var joined []any
	for _, l := range later {
		i := slices.IndexFunc(rest, func(e any) bool { return sameDeath(e, l) })
		if i >= 0 {
			again := maps.Clone(rest[i].(Table))
			again["count"] = deathsOf(again) + deathsOf(l.(Table))
			l = again
			rest = slices.Delete(rest, i, i+1)
		}
		joined = append(joined, l)
	}
	return append(joined, rest...)
}

// sameDeath reports whether two entries are of one queue and reason.
func sameDeath(a, b any) bool {
	x, ok := a.(Table)
	y, too := b.(Table)
	return ok && too && equalValue(x["queue"], y["queue"]) && equalValue(x["reason"], y["reason"])
}

// deathsOf is how often a message died as an entry says.
func deathsOf(entry Table) int64 {
	switch n := entry["count"].(type) {
	case int64:
		return n
	case int32:
		return int64(n)
	}
	return 1
}

// namesQueue reports whether a message died in a queue before.
func namesQueue(headers Table, queue string) bool {
	return slices.ContainsFunc(list(headers["x-death"]), func(d any) bool {
		entry, ok := d.(Table)
		return ok && entry["queue"] == queue
	})
}

// view returns the delivery as a handler sees it: with the exchange and key
// that the message was published with, its CC, its expiration and its history,
// and the header x-retry up to date. The user id is left out: anybody could
// have written it into the header.
func (a *attempts) view(d Delivery) Delivery {
	if a.failed == 0 && d.Headers[retryHeader] == nil {
		return d // as it came
	}
	e := *d.Envelope
	e.Exchange, e.RoutingKey, e.Expiration = a.exchange, a.key, a.expiration
	e.Headers = maps.Clone(e.Headers)
	if e.Headers == nil {
		e.Headers = Table{}
	}
	if a.cc != nil {
		e.Headers["CC"] = a.cc
	}
	for name, v := range a.deaths {
		if name == "x-death" {
			v = joinDeaths(list(e.Headers[name]), list(v))
		}
		e.Headers[name] = v
	}
	if a.failed > 0 {
		delete(e.Headers, parkedHeader)
		e.Headers[retryHeader] = a.table(d.window.origin.queue, a.deaths)
	}
	d.Envelope = &e
	return d
}

// Attempt returns which attempt to handle the message this is, counting from
// 1, as far as [Retry] counted: a message that was requeued, or whose program
// ended, has not been counted.
func (d Delivery) Attempt() int {
	if d.window == nil {
		return 1
	}
	a := attemptsOf(d.Envelope, d.window.origin.queue)
	return a.failed + 1
}
