package pubsubtest

import (
	"context"
	"errors"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gobindery/bindery/pubsub"
)

// publishing changes what is published, and how often.
func publishing(change func(*pubsub.Publication) (copies int)) func(pubsub.Adapter) pubsub.Adapter {
	return func(a pubsub.Adapter) pubsub.Adapter { return &twisted{Adapter: a, outgoing: change} }
}

// forgiving takes one outcome for success.
func forgiving(sentinel error) func(pubsub.Adapter) pubsub.Adapter {
	return func(a pubsub.Adapter) pubsub.Adapter {
		return &twisted{Adapter: a, outcome: func(err error) error {
			if errors.Is(err, sentinel) {
				return nil
			}
			return err
		}}
	}
}

// receiving changes what is received.
func receiving(change func(*pubsub.Incoming)) func(pubsub.Adapter) pubsub.Adapter {
	return func(a pubsub.Adapter) pubsub.Adapter { return &twisted{Adapter: a, incoming: change} }
}

var brokenPublishing = []broken{
	{"delivers two copies", "binding/one copy", `got ["#" "#"]`,
		publishing(func(*pubsub.Publication) int { return 2 })},
	{"ignores mandatory", "publish/unroutable", "mandatory publish",
		publishing(func(p *pubsub.Publication) int { p.Mandatory = false; return 1 })},
	{"publishes to missing exchanges", "exchange/missing", "publish to a missing exchange", forgiving(pubsub.ErrNotFound)},
	{"doesn't say that a queue is full", "max-length/reject-publish", "publish to a full queue", forgiving(pubsub.ErrRefused)},
	{"takes any user id", "publish/user id", "as another user", forgiving(pubsub.ErrPreconditionFailed)},
	{"confirms before it has the message", "publish/confirm", "nothing is ready", early},
	{"shares the publisher's buffer", "publish/buffer", "bodies by", late(func(*pubsub.Publication) {})},
	{"shares the publisher's headers", "publish/buffer", "headers by",
		late(func(p *pubsub.Publication) { p.Body = append([]byte(nil), p.Body...) })},
	{"loses a message now and then", "concurrency/nothing lost", "was acknowledged 0 times", everyNth(97, 0)},
	{"doubles a message now and then", "concurrency/nothing lost", "was acknowledged 2 times", everyNth(97, 2)},
	{"forgets a message in a long history", "histories/1", "Fewer steps that fail", everyNth(7, 0)},
	{"changes the order of publishes", "publish/order", "messages in queue", swapped},
	{"changes the width of integers", "properties/header types", "int64(", publishing(func(p *pubsub.Publication) int {
		p.Headers = p.Headers.Clone()
		for name, v := range p.Headers {
			if n, ok := v.(int32); ok {
				p.Headers[name] = int64(n)
			}
		}
		return 1
	})},
	{"turns bytes into strings", "properties/header types", "string(", publishing(func(p *pubsub.Publication) int {
		p.Headers = p.Headers.Clone()
		for name, v := range p.Headers {
			if b, ok := v.([]byte); ok {
				p.Headers[name] = string(b)
			}
		}
		return 1
	})},
	{"loses empty headers", "properties/header types", "nil", publishing(func(p *pubsub.Publication) int {
		p.Headers = p.Headers.Clone()
		maps.DeleteFunc(p.Headers, func(_ string, v any) bool { return v == nil })
		return 1
	})},
	{"sets a delivery mode", "properties/none", "DeliveryMode", publishing(func(p *pubsub.Publication) int {
		p.DeliveryMode = max(p.DeliveryMode, pubsub.Transient)
		return 1
	})},
	{"has times in a zone of its own", "properties/times", "timestamp", receiving(func(in *pubsub.Incoming) {
		in.Timestamp = in.Timestamp.In(time.FixedZone("here", 3600))
	})},
	{"ignores CC", "sender-selected/CC and BCC", "copies", publishing(func(p *pubsub.Publication) int {
		if cc, ok := p.Headers["CC"]; ok {
			p.Headers = p.Headers.Clone()
			delete(p.Headers, "CC")
			p.Headers["cc"] = cc
		}
		return 1
	})},
	{"shows BCC", "sender-selected/CC and BCC", "BCC", receiving(func(in *pubsub.Incoming) {
		if _, ok := in.Headers["CC"]; ok {
			in.Headers["BCC"] = []any{"k3"}
		}
	})},
	{"shows an exchange on the way", "exchange binding/passes on", "exchange: got", receiving(func(in *pubsub.Incoming) {
		in.Exchange = "3"
	})},
}

// early confirms at once, and publishes a little later.
func early(a pubsub.Adapter) pubsub.Adapter { return &earlyConfirm{twisted: twisted{Adapter: a}} }

type earlyConfirm struct {
	twisted
	later sync.WaitGroup
}

func (e *earlyConfirm) Publish(ctx context.Context, p *pubsub.Publication) {
	c := &pubsub.Publication{Envelope: p.Envelope, Mandatory: p.Mandatory}
	e.later.Go(func() {
		time.Sleep(time.Millisecond)
		_ = e.send(context.WithoutCancel(ctx), c)
	})
	p.Confirm(nil)
}

func (e *earlyConfirm) Close() error {
	e.later.Wait()
	return e.Adapter.Close()
}

// late publishes each message when the next call comes: what the publisher has
// changed by then is changed, except for what prepare has copied. It is for one
// goroutine, so that there is no race for the race detector to find.
func late(prepare func(*pubsub.Publication)) func(pubsub.Adapter) pubsub.Adapter {
	return func(a pubsub.Adapter) pubsub.Adapter {
		return &latePublisher{twisted: twisted{Adapter: a}, prepare: prepare}
	}
}

type latePublisher struct {
	twisted
	prepare func(*pubsub.Publication)
	held    *pubsub.Publication
}

func (l *latePublisher) Publish(_ context.Context, p *pubsub.Publication) {
	l.flush()
	l.held = &pubsub.Publication{Envelope: p.Envelope, Mandatory: p.Mandatory}
	l.prepare(l.held)
	p.Confirm(nil)
}

func (l *latePublisher) flush() {
	if l.held != nil {
		_ = l.send(context.Background(), l.held)
		l.held = nil
	}
}

func (l *latePublisher) InspectQueue(ctx context.Context, name string) (pubsub.QueueInfo, error) {
	l.flush()
	return l.twisted.InspectQueue(ctx, name)
}

// everyNth publishes each nth message as often as said, and the others once.
func everyNth(nth uint64, copies int) func(pubsub.Adapter) pubsub.Adapter {
	return func(a pubsub.Adapter) pubsub.Adapter {
		var n atomic.Uint64
		return &twisted{Adapter: a, outgoing: func(*pubsub.Publication) int {
			if n.Add(1)%nth == 0 {
				return copies
			}
			return 1
		}}
	}
}

// swapped exchanges each third publish with the one before.
func swapped(a pubsub.Adapter) pubsub.Adapter {
	var held *pubsub.Publication
	n := 0
	t := &twisted{Adapter: a}
	t.outgoing = func(p *pubsub.Publication) int {
		n++
		switch {
		case n%3 == 1:
			held = p
			return 0
		case held != nil:
			first := held
			held = nil
			_ = t.send(context.Background(), p)
			*p = pubsub.Publication{Envelope: first.Envelope, Mandatory: first.Mandatory}
		}
		return 1
	}
	return t
}
