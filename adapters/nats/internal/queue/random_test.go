package queue

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gobindery/bindery/pubsub"
)

var seedFlag = flag.Uint64("seed", 0, "run TestRandom with this seed only")

// Whatever comes, a queue does what one does that is obviously right.
func TestRandom(t *testing.T) {
	const histories, steps = 300, 200
	seeds := []uint64{*seedFlag}
	if *seedFlag == 0 {
		seeds = nil
		for range histories {
			seeds = append(seeds, rand.Uint64()|1)
		}
	}
	for _, seed := range seeds {
		h := newHistory(t, rand.New(rand.NewPCG(seed, 0)).IntN)
		for i := 0; i < steps && !h.failed; i++ {
			h.step()
		}
		if h.failed {
			t.Fatalf("run it again: go test -run 'TestRandom$' -seed %d", seed)
		}
	}
}

func FuzzQueue(f *testing.F) {
	for seed := range uint64(8) {
		data := make([]byte, 400)
		rnd := rand.New(rand.NewPCG(seed, 0))
		for i := range data {
			data[i] = byte(rnd.Uint32())
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		h := newHistory(t, func(n int) (choice int) {
			if len(data) > 0 {
				choice, data = int(data[0])%n, data[1:]
			}
			return choice
		})
		for len(data) > 0 && !h.failed {
			h.step()
		}
	})
}

// history plays the same on a queue and on an oracle, and compares.
type history struct {
	t      *testing.T
	choose func(n int) int // 0 ≤ choice < n
	q      *Queue
	o      *oracle
	who    []*Consumer // the oracle's members
	now    int64
	seq    uint64
	late   []uint64       // numbers that were left out
	tags   map[tagOf]bool // that were ever used
	log    []string
	failed bool
}

// tagOf is a member's tag.
type tagOf struct {
	member int
	tag    uint64
}

func newHistory(t *testing.T, choose func(int) int) *history {
	h := &history{t: t, choose: choose, now: 1000, tags: make(map[tagOf]bool)}
	s := pubsub.Queue{Name: "q", SingleActiveConsumer: h.one(4), MaxPriority: []uint8{0, 0, 1, 3}[choose(4)]}
	if h.one(3) {
		s.MaxLength = new(choose(5))
	}
	if h.one(3) {
		s.MaxBytes = new(choose(20))
	}
	if h.one(3) {
		s.MessageTTL = new(time.Duration(choose(30)))
	}
	if h.one(3) {
		s.Expires = time.Duration(1 + choose(30))
	}
	s.Overflow = []pubsub.Overflow{"", pubsub.DropHead, pubsub.RejectPublish, pubsub.RejectPublishDLX}[choose(4)]
	h.q, h.o = New(s, "v"), &oracle{settings: s}
	h.logf("queue %+v", s)
	return h
}

// one is true once in n times.
func (h *history) one(n int) bool { return h.choose(n) == 0 }

func (h *history) logf(format string, args ...any) {
	h.log = append(h.log, fmt.Sprintf(format, args...))
}

func (h *history) errorf(format string, args ...any) {
	h.t.Helper()
	h.failed = true
	for _, line := range h.log {
		h.t.Log(line)
	}
	h.t.Errorf(format, args...)
}

// same compares what a step returned.
func same[T comparable](h *history, what string, got, want T) {
	h.t.Helper()
	if got != want && !h.failed {
		h.errorf("%s: got %v, want %v", what, got, want)
	}
}

func (h *history) step() {
	switch h.choose(16) {
	case 0, 1, 2, 3:
		h.add()
	case 4:
		h.join()
	case 5, 6, 7, 8:
		h.settle()
	case 9:
		h.get()
	case 10:
		h.leave()
	case 11:
		h.restore()
	case 12:
		h.now += int64(h.choose(10))
		h.logf("tick at %d", h.now)
		unused := h.o.unusedAt() <= h.now
		h.o.dispatch(h.now)
		same(h, "unused", h.q.Tick(h.now), unused)
	case 13:
		h.now += int64(h.choose(3)) // and nobody ticks
	case 14:
		h.logf("touch at %d", h.now)
		h.q.Touch(h.now)
		h.o.touch(h.now)
	case 15:
		if h.one(3) {
			h.logf("purge")
			same(h, "purged", h.q.Purge(), h.o.purge())
		} else if len(h.who) > 0 {
			m := h.choose(len(h.who))
			h.giveBack(m)
			h.dispatch()
		}
	}
	h.compare()
}

// compare compares what happened and what can be seen.
func (h *history) compare() {
	h.t.Helper()
	var delivered []handed
	var gone []finished
	effects := h.q.Effects()
	for _, d := range effects.Deliveries {
		m := d.To.Owner.(int)
		h.tags[tagOf{m, d.Tag}] = true
		delivered = append(delivered, handed{m, d.Tag, d.Seq, d.Redelivered})
	}
	for _, g := range effects.Gone {
		gone = append(gone, finished{g.Seq, g.Redelivered, g.Reason})
	}
	if !slices.Equal(delivered, h.o.delivered) && !h.failed {
		h.errorf("delivered %v, want %v", delivered, h.o.delivered)
	}
	if !slices.Equal(gone, h.o.gone) && !h.failed {
		h.errorf("gone %v, want %v", gone, h.o.gone)
	}
	h.logf("   delivered %v, gone %v", delivered, gone)
	h.o.delivered, h.o.gone = nil, nil
	same(h, "Ready", h.q.Ready(), len(h.o.ready))
	same(h, "Bytes", h.q.Bytes(), h.o.bytes())
	same(h, "Unacked", h.q.Unacked(), len(h.o.held))
	same(h, "Consumers", h.q.Consumers(), h.o.consumers())
	same(h, "Credit", h.q.Credit(), h.o.credits())
	same(h, "Due", h.q.Due(), h.o.due())
	redelivered := h.q.Redelivered()
	slices.Sort(redelivered)
	if want := h.o.redelivered(); !slices.Equal(redelivered, want) && !h.failed {
		h.errorf("Redelivered: got %v, want %v", redelivered, want)
	}
	if len(h.o.ready) > 0 && h.o.credits() > 0 {
		return // Refuses counts on a Dispatch
	}
	size, pending, each := h.choose(10), h.choose(6), h.choose(8)
	same(h, fmt.Sprintf("Refuses(%d, %d, %d)", size, pending, pending*each),
		h.q.Refuses(size, pending, pending*each), h.o.refuses(size, pending, each))
}

func (h *history) add() {
	h.seq++
	if h.one(8) {
		h.late = append(h.late, h.seq)
		h.seq++
	}
	e := Entry{Seq: h.seq, Message: h.message(), Redelivered: h.one(5)}
	if n := len(h.late); n > 0 && h.one(4) {
		i := h.choose(n)
		e.Seq = h.late[i]
		h.late = slices.Delete(h.late, i, i+1)
		h.seq--
	}
	arrived := h.now - int64(h.choose(3))
	e.Expires = h.q.Expiry(&e.Message.Message, arrived)
	same(h, "Expiry", e.Expires, h.o.expiry(e.Message, arrived))
	h.logf("add %d at %d: priority %d, %d bytes, expires %d", e.Seq, h.now, e.Message.Priority, len(e.Message.Body), e.Expires)
	if h.one(8) {
		h.logf("which is recovered")
		h.q.Recover(e)
		h.o.ready = append(h.o.ready, e)
		if h.one(2) {
			h.dispatch()
		}
		return
	}
	h.q.Add(e, h.now)
	h.o.add(e, h.now)
}

func (h *history) message() *pubsub.Publication {
	p := &pubsub.Publication{}
	p.Body = make([]byte, h.choose(8))
	p.Priority = uint8(h.choose(5))
	if h.one(3) {
		p.Expiration = new(time.Duration(h.choose(30)))
	}
	return p
}

func (h *history) join() {
	o := pubsub.ConsumeOptions{
		Prefetch:  []int{1, 2, 3, 40, pubsub.Unlimited}[h.choose(5)],
		AutoAck:   h.one(6),
		Exclusive: h.one(8),
		Priority:  []int32{0, 0, 0, -1, 5}[h.choose(5)],
	}
	if h.o.consumers() > 5 {
		return
	}
	h.logf("consumer %d joins at %d: %+v", len(h.who), h.now, o)
	join, last := h.q.Join, uint64(0)
	if h.one(4) {
		last = uint64(h.choose(20))
		join = func(o pubsub.ConsumeOptions, now int64) (*Consumer, error) { return h.q.Rejoin(o, last, now) }
	}
	c, err := join(o, h.now)
	if !h.o.mayJoin(o) {
		if want := "queue 'q' in vhost 'v' in exclusive use"; !errors.Is(err, pubsub.ErrAccessRefused) || !strings.HasSuffix(err.Error(), want) {
			h.errorf("Join: got %v, want access refused: %s", err, want)
		}
		return
	}
	if err != nil {
		h.errorf("Join: %v", err)
		return
	}
	c.Owner = len(h.who)
	h.who = append(h.who, c)
	h.o.join(o, last, h.now)
}

func (h *history) settle() {
	if len(h.who) == 0 {
		return
	}
	m := h.choose(len(h.who))
	tag := 1 + uint64(h.choose(int(h.o.members[m].lastTag)+1))
	if n := len(h.o.held); n > 0 && !h.one(4) { // mostly one that there is
		held := h.o.held[h.choose(n)]
		m, tag = held.by, held.tag
	}
	outcome := []pubsub.Outcome{pubsub.Ack, pubsub.Requeue, pubsub.Reject}[h.choose(3)]
	multiple := h.one(4)
	h.logf("consumer %d settles %d at %d: %v, multiple %v", m, tag, h.now, outcome, multiple)
	first := tag
	if multiple {
		first = 0
	}
	want := h.o.settle(m, first, tag, outcome)
	h.o.dispatch(h.now)
	same(h, "any", h.who[m].Settle(tag, outcome, multiple, h.now), want)
}

func (h *history) get() {
	m := -1
	var holder *Consumer
	switch {
	case h.one(3): // settled at once
	case len(h.who) > 0 && h.one(2) && h.holds(len(h.who)-1):
		m = len(h.who) - 1
		holder = h.who[m]
	default:
		m = len(h.who)
		last := uint64(h.choose(3))
		holder = h.q.Holder(last)
		holder.Owner = m
		h.who = append(h.who, holder)
		h.o.members = append(h.o.members, member{lastTag: last})
	}
	h.logf("%d gets at %d", m, h.now)
	d, ok := h.q.Get(holder, h.now)
	want, wantOK := h.o.get(m, h.now)
	same(h, "Get's ok", ok, wantOK)
	if ok && wantOK {
		h.tags[tagOf{m, d.Tag}] = true
		same(h, "Get's To", d.To, holder)
		same(h, "Get", handed{m, d.Tag, d.Seq, d.Redelivered}, want)
	}
}

// holds reports whether a member is a holder.
func (h *history) holds(m int) bool { return h.o.members[m].o == pubsub.ConsumeOptions{} }

// leave lets some consumers go, and give back all, a part, or nothing.
func (h *history) leave() {
	var who []int
	for range 1 + h.choose(2) {
		if len(h.who) > 0 {
			m := h.choose(len(h.who))
			h.logf("consumer %d leaves at %d", m, h.now)
			same(h, "last", h.q.Leave(h.who[m], h.now), h.o.leave(m, h.now))
			who = append(who, m)
		}
	}
	for _, m := range who {
		if !h.one(3) {
			h.giveBack(m)
		}
	}
	h.dispatch()
}

func (h *history) giveBack(m int) {
	from := uint64(h.choose(int(h.o.members[m].lastTag) + 2))
	h.logf("consumer %d returns all from %d", m, from)
	h.who[m].Return(from)
	h.o.settle(m, from, Never, pubsub.Requeue)
}

func (h *history) dispatch() {
	h.logf("dispatch at %d", h.now)
	h.q.Dispatch(h.now)
	h.o.dispatch(h.now)
}

// restore gives a member an entry under a tag that was not there, sometimes between
// two that were.
func (h *history) restore() {
	if len(h.who) == 0 {
		return
	}
	m := h.choose(len(h.who))
	if h.o.members[m].o.AutoAck {
		return
	}
	tag := h.o.members[m].lastTag + 1 + uint64(h.choose(50))
	if lower := uint64(1 + h.choose(int(tag))); h.one(2) {
		tag = lower
	}
	if h.tags[tagOf{m, tag}] {
		return
	}
	h.tags[tagOf{m, tag}] = true
	h.seq++
	e := Entry{Seq: h.seq, Message: h.message(), Redelivered: h.one(2), Expires: Never}
	h.logf("consumer %d has %d as %d since before", m, e.Seq, tag)
	h.q.Restore(h.who[m], tag, e)
	h.o.restore(m, tag, e)
}
