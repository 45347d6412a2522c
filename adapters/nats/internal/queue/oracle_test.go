package queue

import (
	"cmp"
	"slices"

	"github.com/gobindery/bindery/pubsub"
)

// oracle is a queue that is obviously right, and slow: everything stands in
// unsorted slices, and is looked for anew each time. It shares no code with Queue.
type oracle struct {
	settings  pubsub.Queue
	ready     []Entry
	members   []member // consumers and holders that ever were, in the order in which they came
	held      []holding
	turns     int
	touched   bool
	lastUsed  int64
	delivered []handed
	gone      []finished
}

// member is a consumer or a holder.
type member struct {
	consumes bool // is a consumer that has not left
	o        pubsub.ConsumeOptions
	lastTag  uint64
	turn     int  // who has the lowest is next
	blocked  bool // had no credit when it was its turn
}

type holding struct {
	by  int
	tag uint64
	Entry
}

// handed and finished are a Delivery and a Gone in a form that == compares.
type (
	handed struct {
		to          int
		tag, seq    uint64
		redelivered bool
	}
	finished struct {
		seq         uint64
		redelivered bool
		why         Reason
	}
)

func (o *oracle) clone() *oracle {
	c := *o
	c.ready, c.members, c.held = slices.Clone(o.ready), slices.Clone(o.members), slices.Clone(o.held)
	c.delivered, c.gone = nil, nil
	return &c
}

func (o *oracle) add(e Entry, now int64) {
	o.dropExpired(now)
	if len(o.ready) == 0 {
		if m := o.choose(); m >= 0 {
			o.hand(m, e)
			return
		}
	}
	o.ready = append(o.ready, e)
	o.dispatch(now)
}

func (o *oracle) dispatch(now int64) {
	drops := o.settings.Overflow == "" || o.settings.Overflow == pubsub.DropHead
	for drops && len(o.ready) > 0 && o.over(0, 0) {
		o.end(o.takeHead(), Overflowed)
	}
	for {
		o.dropExpired(now)
		if len(o.ready) == 0 {
			return
		}
		m := o.choose()
		if m < 0 {
			return
		}
		o.hand(m, o.takeHead())
	}
}

// over reports whether there are too many with so much more.
func (o *oracle) over(count, bytes int) bool {
	s := o.settings
	return s.MaxLength != nil && len(o.ready)+count > *s.MaxLength || s.MaxBytes != nil && o.bytes()+bytes > *s.MaxBytes
}

func (o *oracle) bytes() (n int) {
	for _, e := range o.ready {
		n += len(e.Message.Body)
	}
	return n
}

// head is the one of the highest priority, and then the lowest place.
func (o *oracle) head() int {
	return slices.Index(o.ready, slices.MinFunc(o.ready, func(a, b Entry) int {
		most := o.settings.MaxPriority
		return cmp.Or(
			-cmp.Compare(min(a.Message.Priority, most), min(b.Message.Priority, most)),
			cmp.Compare(a.Seq, b.Seq))
	}))
}

func (o *oracle) takeHead() Entry {
	i := o.head()
	e := o.ready[i]
	o.ready = slices.Delete(o.ready, i, i+1)
	return e
}

func (o *oracle) dropExpired(now int64) {
	for len(o.ready) > 0 && o.ready[o.head()].Expires <= now {
		o.end(o.takeHead(), Expired)
	}
}

// choose gives a consumer its turn: the first one that has credit by priority and
// turn. Those that are passed over get a new turn once they have credit again.
func (o *oracle) choose() int {
	var who []int
	for i, m := range o.members {
		if m.consumes {
			who = append(who, i)
		}
	}
	if o.settings.SingleActiveConsumer {
		if len(who) > 0 && o.credit(who[0]) > 0 {
			return who[0]
		}
		return -1
	}
	slices.SortFunc(who, func(a, b int) int {
		return cmp.Or(
			-cmp.Compare(o.members[a].o.Priority, o.members[b].o.Priority),
			cmp.Compare(o.members[a].turn, o.members[b].turn))
	})
	for _, i := range who {
		m := &o.members[i]
		if o.credit(i) > 0 {
			o.newTurn(i)
			return i
		}
		m.blocked = true
	}
	return -1
}

func (o *oracle) newTurn(m int) {
	o.turns++
	o.members[m].turn, o.members[m].blocked = o.turns, false
}

func (o *oracle) credit(m int) int {
	who := o.members[m]
	if !who.consumes {
		return 0
	}
	if who.o.AutoAck {
		return pubsub.Unlimited
	}
	n := who.o.Prefetch
	for _, h := range o.held {
		if h.by == m {
			n--
		}
	}
	return max(n, 0)
}

// credits is the credit of all that may be served.
func (o *oracle) credits() (n int) {
	for i, m := range o.members {
		if m.consumes {
			n = min(n+min(o.credit(i), MaxCredit), MaxCredit)
			if o.settings.SingleActiveConsumer {
				break
			}
		}
	}
	return n
}

func (o *oracle) hand(m int, e Entry) {
	who := &o.members[m]
	who.lastTag++
	o.delivered = append(o.delivered, handed{m, who.lastTag, e.Seq, e.Redelivered})
	if who.o.AutoAck {
		o.end(e, Acked)
	} else {
		o.held = append(o.held, holding{m, who.lastTag, e})
	}
}

func (o *oracle) end(e Entry, why Reason) {
	o.gone = append(o.gone, finished{e.Seq, e.Redelivered, why})
}

func (o *oracle) mayJoin(opts pubsub.ConsumeOptions) bool {
	n := 0
	for _, m := range o.members {
		if m.consumes && m.o.Exclusive {
			return false
		}
		if m.consumes {
			n++
		}
	}
	return !opts.Exclusive || n == 0 && !o.settings.SingleActiveConsumer
}

func (o *oracle) join(opts pubsub.ConsumeOptions, last uint64, now int64) {
	o.members = append(o.members, member{consumes: true, o: opts, lastTag: last})
	o.newTurn(len(o.members) - 1)
	o.touch(now)
	o.dispatch(now)
}

func (o *oracle) consumers() (n int) {
	for _, m := range o.members {
		if m.consumes {
			n++
		}
	}
	return n
}

func (o *oracle) leave(m int, now int64) (last bool) {
	if !o.members[m].consumes {
		return false
	}
	o.members[m].consumes = false
	o.touch(now)
	return o.consumers() == 0
}

// settle settles what a member holds under the tags from first to last.
func (o *oracle) settle(m int, first, last uint64, outcome pubsub.Outcome) bool {
	var theirs, others []holding
	for _, h := range o.held {
		if h.by == m && first <= h.tag && h.tag <= last {
			theirs = append(theirs, h)
		} else {
			others = append(others, h)
		}
	}
	slices.SortFunc(theirs, func(a, b holding) int { return cmp.Compare(a.tag, b.tag) })
	o.held = others
	for _, h := range theirs {
		switch outcome {
		case pubsub.Ack:
			o.end(h.Entry, Acked)
		case pubsub.Reject:
			o.end(h.Entry, Rejected)
		case pubsub.Requeue:
			h.Redelivered = true
			o.ready = append(o.ready, h.Entry)
		}
	}
	if o.members[m].blocked && o.credit(m) > 0 {
		o.newTurn(m)
	}
	return len(theirs) > 0
}

// get returns what a holder gets; m < 0 is none.
func (o *oracle) get(m int, now int64) (got handed, ok bool) {
	o.touch(now)
	o.dropExpired(now)
	if len(o.ready) == 0 {
		return handed{}, false
	}
	e := o.takeHead()
	got = handed{to: m, seq: e.Seq, redelivered: e.Redelivered}
	if m < 0 {
		o.end(e, Acked)
	} else {
		o.members[m].lastTag++
		got.tag = o.members[m].lastTag
		o.held = append(o.held, holding{m, got.tag, e})
	}
	o.dropExpired(now)
	return got, true
}

func (o *oracle) restore(m int, tag uint64, e Entry) {
	o.members[m].lastTag = max(o.members[m].lastTag, tag)
	o.held = append(o.held, holding{m, tag, e})
}

func (o *oracle) purge() (n int) {
	for n = 0; len(o.ready) > 0; n++ {
		o.end(o.takeHead(), Purged)
	}
	return n
}

func (o *oracle) expiry(m *pubsub.Publication, arrived int64) int64 {
	expires := int64(Never)
	if ttl := o.settings.MessageTTL; ttl != nil {
		expires = arrived + ttl.Nanoseconds()
	}
	if m.Expiration != nil {
		expires = min(expires, arrived+m.Expiration.Nanoseconds())
	}
	return expires
}

func (o *oracle) touch(now int64) { o.touched, o.lastUsed = true, now }

func (o *oracle) unusedAt() int64 {
	if o.settings.Expires == 0 || o.consumers() > 0 || !o.touched {
		return Never
	}
	return o.lastUsed + int64(o.settings.Expires)
}

func (o *oracle) due() int64 {
	if len(o.ready) == 0 {
		return o.unusedAt()
	}
	return min(o.unusedAt(), o.ready[o.head()].Expires)
}

// redelivered returns the places of those that are ready again, the lowest first.
func (o *oracle) redelivered() (seqs []uint64) {
	for _, e := range o.ready {
		if e.Redelivered {
			seqs = append(seqs, e.Seq)
		}
	}
	slices.Sort(seqs)
	return seqs
}

// refuses adds the pending ones to a copy, and looks.
func (o *oracle) refuses(size, pending, each int) bool {
	if o.settings.Overflow != pubsub.RejectPublish && o.settings.Overflow != pubsub.RejectPublishDLX {
		return false
	}
	c := o.clone()
	for range pending {
		m := &pubsub.Publication{}
		m.Body = make([]byte, each)
		c.add(Entry{Seq: 1 << 60, Message: m, Expires: Never}, 0)
	}
	return c.over(1, size)
}
