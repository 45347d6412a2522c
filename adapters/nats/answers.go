package nats

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/gobindery/bindery/pubsub"
)

// answer takes what a store says.
func (p *publisher) answer(m *nats.Msg) {
	token, err := strconv.ParseUint(m.Subject[len(p.inbox):], 36, 64)
	if err != nil {
		return
	}
	err = answerError(m)
	p.mu.Lock()
	s := p.sent[token]
	switch {
	case s == nil: // an answer to an attempt before
		p.mu.Unlock()
	case err == nil:
		p.answered(s, nil)
	default:
		p.mu.Unlock()
		if !p.later(token, s, err) {
			p.resolve(token, err)
		}
	}
}

var (
	errNobody  = errors.New("no stream stores it")
	errRefused = fmt.Errorf("%w: the queue is full", pubsub.ErrRefused)
	errorField = []byte(`"error"`)
)

// answerError is the error of a store's answer.
func answerError(m *nats.Msg) error {
	if len(m.Data) == 0 {
		if m.Header.Get("Status") == "503" {
			return errNobody
		}
		return nil
	}
	if m.Data[0] == '{' && !bytes.Contains(m.Data, errorField) {
		return nil
	}
	var a struct {
		Error   *apiError `json:"error"`
		Refused bool      `json:"refused"`
		Nobody  bool      `json:"nobody"`
	}
	if err := json.Unmarshal(m.Data, &a); err != nil {
		return fmt.Errorf("%w: the answer can't be read: %w", pubsub.ErrUnconfirmed, err)
	}
	switch {
	case a.Refused:
		return errRefused
	case a.Nobody:
		return errNobody
	case a.Error != nil:
		return a.Error
	}
	return nil
}

// later reports whether an error is no outcome yet: the copy is sent again, or another
// goroutine finds out.
func (p *publisher) later(token uint64, s *sending, err error) bool {
	switch {
	case errors.Is(err, errNobody):
		if p.blocked(s) {
			p.conn.running.Go(func() { p.nobody(token, s) })
		}
		return true
	case transient(err):
		p.blocked(s)
		return true // retry sends it again
	case isCode(err, codeDuplicateInProcess):
		return true // here too
	}
	return false
}

// answered takes an answer to a copy that is among those sent, and confirms with the last
// one. The caller holds the lock, which it gives up.
func (p *publisher) answered(s *sending, err error) {
	out := s.out
	delete(p.sent, s.token)
	if err != nil {
		out.err = storeError(err)
	}
	out.left--
	last, follow := out.left == 0, p.leave(s)
	p.mu.Unlock()
	if follow {
		p.follow(s)
	}
	if last {
		out.finish(out.err)
	}
}

// storeError is what a store's error means to a publisher.
func storeError(err error) error {
	if e, ok := errors.AsType[*apiError](err); ok {
		return fmt.Errorf("%w: %w", pubsub.ErrRefused, e)
	}
	return err
}

// finish says how a publication went.
func (out *outgoing) finish(err error) {
	if out.dead != "" {
		// One that can't go anywhere is gone, as in RabbitMQ; one that could not be sent
		// stays in its queue's stream for the next leader.
		if err == nil || errors.Is(err, pubsub.ErrNotFound) || errors.Is(err, pubsub.ErrRefused) || errors.Is(err, pubsub.ErrAccessRefused) {
			out.done()
		}
		return
	}
	out.pub.Confirm(err)
}

// nobody is for a copy that no stream has taken: its queue is deleted, or its
// stream isn't made yet, or has no leader at the moment.
func (p *publisher) nobody(token uint64, s *sending) {
	c := p.conn
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	gone := c.syncedDeleted(ctx, s.queue)
	if owner := s.queue.record.Owner; !gone && owner != "" && owner != c.id {
		alive, err := c.lives(ctx, owner)
		gone = !alive && err == nil
	}
	if !gone {
		if s.queue.record.Owner == "" {
			if err := c.makeStream(ctx, s.queue); errors.Is(err, pubsub.ErrNotFound) {
				gone = true
			}
		}
	}
	if !gone {
		c.forgetRemote(s.queue)
		time.Sleep(10 * time.Millisecond) // a leader is being elected
		p.transmit(s)
		return
	}
	// It was there when the message was routed: as if it went just after.
	p.resolve(token, nil)
}

// resolve ends a copy without its store.
func (p *publisher) resolve(token uint64, err error) {
	p.mu.Lock()
	s, ok := p.sent[token]
	if !ok {
		p.mu.Unlock()
		return
	}
	p.answered(s, err)
}

// retryAfter is how long a copy may be without an answer until it is sent again. Its id
// keeps it from being stored twice.
const retryAfter = 2 * time.Second

// retry is called every second.
func (p *publisher) retry() {
	at := time.Since(p.began)
	p.mu.Lock()
	late := make(map[uint64]*sending)
	var given []uint64
	for token, s := range p.sent {
		switch {
		case at-s.since > dedupWindow*3/4:
			given = append(given, token) // later, it might be stored twice
		case s.waits:
		case at-s.at > retryAfter:
			s.at = at
			late[token] = s
		}
	}
	p.mu.Unlock()
	for _, token := range slices.Sorted(maps.Keys(late)) {
		p.transmit(late[token])
	}
	for _, token := range given {
		p.resolve(token, fmt.Errorf("%w: NATS did not answer for %v", pubsub.ErrUnconfirmed, dedupWindow*3/4))
	}
}
