package nats

import (
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Headers of a stored message, and of one that asks to be let in.
const (
	idHeader    = jetstream.MsgIDHeader
	admitHeader = "Bindery-Admit" // the incarnation of a queue that may refuse
)

// transmit sends a copy to its store, or to the leader of a queue that may refuse it.
func (p *publisher) transmit(s *sending) { p.transmitOn(new(paper), s) }

func (p *publisher) transmitOn(on *paper, s *sending) {
	if s.queue.refuses() {
		if l, remote := p.conn.knownLeader(s.queue); l != nil || remote != "" {
			p.askLeader(l, remote, on.write(p, s))
			return
		}
		p.conn.running.Go(func() { p.askAdmission(s.token, s) }) // those that follow wait for its answer
		return
	}
	p.conn.nc.PublishMsg(on.write(p, s)) // retry sends it again if it fails
}

// paper is space for a message of nats.go.
type paper struct {
	msg                  nats.Msg
	header, id, to, into [1]string
}

// write makes a copy's message. It is good until the next call.
func (on *paper) write(p *publisher, s *sending) *nats.Msg {
	m := &on.msg
	if m.Header == nil {
		m.Header = make(nats.Header, 4)
	}
	clear(m.Header)
	m.Subject, m.Data = s.queue.subject, s.out.body
	m.Reply = p.inbox + strconv.FormatUint(s.token, 36)
	setHeader(m.Header, s.out.header, &on.header)
	set := func(name string, space *[1]string, value string) {
		space[0] = value
		m.Header[name] = space[:]
	}
	set(idHeader, &on.id, s.id)
	if s.to != "" {
		set(toHeader, &on.to, s.to)
	}
	if s.queue.refuses() {
		set(admitHeader, &on.into, s.queue.record.Incarnation)
	}
	return m
}
