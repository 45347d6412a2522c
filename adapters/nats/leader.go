package nats

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	engine "github.com/gobindery/bindery/adapters/nats/internal/queue"
	"github.com/gobindery/bindery/pubsub"
	"github.com/gobindery/bindery/pubsub/classic"
)

// A leader runs one queue: it has the queue's messages in their order, hands them
// to consumers of all connections, and keeps limits and times. There is one for a queue,
// at a connection that needed it first; an exclusive queue's is at its owner.
// What it knows is lost with it; the messages are not: they stay in the stream until
// they are done with.
type leader struct {
	conn  *Conn
	queue *queue
	feed  *feed
	since time.Time

	mu     sync.Mutex
	engine *engine.Queue
	timer  *time.Timer
	due    int64 // when timer runs
	ended  bool  // it leads no more
	unused bool  // the queue is about to be deleted, because nobody uses it

	// members are the consumers and holders, those of this connection and of others.
	members map[member]*engine.Consumer
	lost    map[string]bool // connections that were gone without a word, until they join again

	// How far it is. Of what was in the stream when it began, some may be missing in
	// between; after that, each sequence is a message, for nobody else takes any out.
	begun     streamState // when it began
	inherited int         // how many of those have come
	last      uint64      // the stream's sequence of the last message that came

	// What came before those were heard who have messages since an earlier leader.
	gathering bool
	early     []arrival
	heldBy    map[uint64]holding // by seq: what is held since then
	settled   map[uint64]bool    // acked before they came
	handed    uint64             // up to here, messages may have been handed out by it
	given     map[uint64]bool    // those of them that were; nil if that isn't known
	expected  map[member]bool    // who is to join yet
	gathered  chan struct{}      // closed when all have

	// Purge: what is not beyond this is dropped as it comes.
	purgeTo   uint64
	purged    int
	purgeDone chan struct{}

	// What was let in by a queue that may refuse, and is on its way to the stream.
	pending      map[string]admitted // by message id
	pendingBytes int
	pruned       time.Time // when those were last looked for that did not come
}

// member names a consumer, or what Get handed out: a connection and its number for it.
type member struct {
	conn string
	id   uint64
}

// arrival is a message that has come.
type arrival struct {
	seq   uint64
	at    int64
	again bool
	id    string
	pub   *pubsub.Publication
}

// holding is a message that a member holds.
type holding struct {
	member member
	tag    uint64
	again  bool
}

// sink is the Owner of each of the engine's consumers.
type sink interface {
	// deliver is called under the leader's lock.
	deliver(d *engine.Delivery)
}

// window is how many messages that wait a leader has in memory, unless it needs
// to know all of them.
const window = 4096

func newLeader(c *Conn, q *queue) *leader {
	l := &leader{
		conn: c, queue: q, since: time.Now(), engine: engine.New(q.settings, c.names.vhost), due: engine.Never,
		members: make(map[member]*engine.Consumer), pending: make(map[string]admitted),
	}
	l.engine.Touch(now())
	return l
}

// room is how many more messages may come.
func (l *leader) room() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.roomLocked()
}

func (l *leader) roomLocked() int {
	s := &l.queue.settings
	if s.MaxLength != nil || s.MaxBytes != nil || s.MaxPriority > 0 || l.purgeDone != nil || l.gathering {
		return pullMost // which one is next, or too many, depends on all of them
	}
	return window - l.engine.Ready() - len(l.early)
}

// take takes a message from the feed.
func (l *leader) take(m stored) {
	p, err := decode(m.msg)
	if err != nil {
		l.conn.warn("a message can't be read; it is dropped", err, "queue", l.queue.name())
		l.feed.finish(m.seq)
		return
	}
	if isForeign(m.msg) {
		adopt(p, l.queue.name())
	}
	l.arrive(arrival{m.seq, m.at, m.again, m.msg.Header.Get(idHeader), p})
}

func (l *leader) arrive(a arrival) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		if l.queue.record.Owner != "" {
			l.feed.finish(a.seq) // the queue is deleted; another's next leader gets it
		}
		return
	}
	l.last = max(l.last, a.seq)
	if a.seq <= l.begun.LastSeq {
		l.inherited++
	}
	l.noLongerPending(a.id)
	if l.gathering {
		l.early = append(l.early, a)
		return
	}
	l.add(a)
	if a.seq <= l.handed {
		l.engine.Dispatch(now())
	}
	l.act()
}

// add gives a message to the engine.
func (l *leader) add(a arrival) {
	e := engine.Entry{Seq: a.seq, Message: a.pub, Expires: l.engine.Expiry(&a.pub.Message, a.at), Redelivered: a.again}
	if l.settled[a.seq] {
		delete(l.settled, a.seq)
		l.feed.finish(a.seq)
		l.checkPurged()
		return
	}
	if a.seq <= l.handed {
		e.Redelivered = e.Redelivered || l.given == nil || l.given[a.seq]
		if h, ok := l.heldBy[a.seq]; ok {
			delete(l.heldBy, a.seq)
			e.Redelivered = h.again
			if c := l.members[h.member]; c != nil {
				l.engine.Restore(c, h.tag, e)
				return
			}
			e.Redelivered = true // it has left since
		}
	}
	if a.seq <= l.purgeTo {
		l.purged++
		l.feed.finish(a.seq)
	} else if a.seq <= l.handed {
		l.engine.Recover(e) // it was ready before; what others hold comes first
	} else {
		l.engine.Add(e, now())
	}
	l.checkPurged()
}

// checkPurged ends a purge once all has come that it is about.
func (l *leader) checkPurged() {
	if l.purgeDone != nil && l.missing(l.purgeTo) == 0 {
		close(l.purgeDone)
		l.purgeDone = nil
	}
}

// act does what the engine says. The caller holds the lock.
func (l *leader) act() {
	effects := l.engine.Effects()
	for i := range effects.Deliveries {
		d := &effects.Deliveries[i]
		d.To.Owner.(sink).deliver(d)
	}
	for i := range effects.Gone {
		l.gone(&effects.Gone[i])
	}
	l.setTimer()
}

// gone takes a message out of the stream. One that is dead-lettered goes
// when it has arrived where it goes.
func (l *leader) gone(g *engine.Gone) {
	var why classic.Reason
	switch g.Reason {
	case engine.Rejected:
		why = classic.Rejected
	case engine.Expired:
		why = classic.Expired
	case engine.Overflowed:
		why = classic.MaxLen
	}
	seq := g.Seq // done may come later, when g is another
	if why == "" || l.queue.settings.DeadLetter == nil {
		l.feed.finish(seq)
		return
	}
	l.giveUp(g.Message, why, fmt.Sprintf("%s.%s.%d", l.queue.stream, l.queue.record.Incarnation, seq), func() {
		l.feed.finish(seq)
		l.feed.proceed()
	})
}

// giveUp dead-letters a message if the queue does that, and then calls done.
func (l *leader) giveUp(p *pubsub.Publication, why classic.Reason, id string, done func()) {
	to := l.queue.settings.DeadLetter
	if to == nil {
		done()
		return
	}
	letter := classic.DeadLetter(p, l.queue.name(), to, why, time.Now())
	l.conn.publisher.publishDead(letter, id, why, done)
}

// setTimer makes tick run when something is due.
func (l *leader) setTimer() {
	due := l.engine.Due()
	if due == engine.Never || l.ended || l.unused {
		if l.timer != nil && l.due != engine.Never {
			l.timer.Stop()
		}
		l.due = engine.Never
		return
	}
	if due == l.due {
		return
	}
	l.due = due
	wait := max(0, time.Duration(due-now()))
	if l.timer == nil {
		l.timer = time.AfterFunc(wait, l.tick)
		return
	}
	l.timer.Reset(wait)
}

// tick is what the timer runs.
func (l *leader) tick() {
	l.mu.Lock()
	l.due = engine.Never
	unused := false
	if !l.ended {
		unused = l.engine.Tick(now()) && !l.unused
		l.unused = l.unused || unused
		l.act()
	}
	l.mu.Unlock()
	l.feed.proceed()
	if unused {
		l.conn.spawn(func(ctx context.Context) { l.deleteQueue(ctx, deleteUnused) })
	}
}

// spawn runs f, which the connection waits for.
func (c *Conn) spawn(f func(ctx context.Context)) {
	c.running.Go(func() {
		ctx, cancel := c.background()
		defer cancel()
		f(ctx)
	})
}

// errNotLeader is that of a request to who doesn't lead the queue, or no more.
var errNotLeader = errors.New("it does not lead the queue")

// do runs f with the lock held, if the leader still leads, and does what the
// engine then says.
func (l *leader) do(f func() error) error {
	l.mu.Lock()
	if l.ended {
		l.mu.Unlock()
		return errNotLeader
	}
	err := f()
	l.act()
	l.mu.Unlock()
	l.feed.proceed()
	return err
}

// joining is how a member joins: as a consumer, or to hold what Get hands out.
type joining struct {
	Holder  bool
	Options pubsub.ConsumeOptions
	Last    uint64     // the last tag that it had from an earlier leader
	Held    []heldItem // what it holds since then
}

// heldItem is one message that a member holds.
type heldItem struct {
	Tag   uint64
	Seq   uint64
	Again bool
}

// joinCaughtUp is join once the leader has what was confirmed before: a consumer gets that
// first, though others come soon after.
func (l *leader) joinCaughtUp(ctx context.Context, m member, j *joining, to sink) (lost []uint64, err error) {
	if !j.Holder {
		if err := l.conn.markUsed(ctx, l.queue); err != nil {
			return nil, err
		}
	}
	l.mu.Lock()
	gathering := l.gathering
	l.mu.Unlock()
	if !j.Holder && !gathering {
		last, err := l.conn.lastStored(ctx, l.queue.stream)
		if err != nil {
			return nil, err
		}
		if err := l.caughtUp(ctx, last); err != nil {
			return nil, err
		}
	}
	return l.join(m, j, to)
}

// join adds a member. It returns the tags of what it does not hold any more.
func (l *leader) join(m member, j *joining, to sink) (lost []uint64, err error) {
	err = l.do(func() error {
		if c := l.members[m]; c != nil {
			// It was cut off, or the answer to an attempt was lost: so may deliveries be.
			kept := make(map[uint64]bool, len(j.Held))
			for _, h := range j.Held {
				kept[h.Tag] = true
			}
			c.Keep(kept)
			l.engine.Dispatch(now())
			return nil
		}
		c := l.engine.Holder(j.Last)
		if !j.Holder {
			var err error
			if c, err = l.engine.Rejoin(j.Options, j.Last, now()); err != nil {
				return err
			}
		}
		delete(l.lost, m.conn)
		c.Owner = to // what is ready goes there by act
		l.members[m] = c
		l.gatheredFrom(m)
		for _, h := range j.Held {
			if !l.gathering {
				lost = append(lost, h.Tag)
				continue
			}
			l.heldBy[h.Seq] = holding{m, h.Tag, h.Again}
		}
		return nil
	})
	return lost, err
}

// settle settles deliveries of a member.
func (l *leader) settle(m member, tag uint64, o pubsub.Outcome, multiple bool) error {
	return l.do(func() error {
		c := l.members[m]
		if c == nil {
			if l.lost[m.conn] {
				return pubsub.ErrDeliveryLost
			}
			return nil // it had nothing any more
		}
		if l.gathering {
			l.settleEarly(m, tag, o, multiple)
		}
		c.Settle(tag, o, multiple, now())
		if c.Idle() && !l.gathering {
			delete(l.members, m) // it was cancelled, and this was its last delivery
		}
		return nil
	})
}

// settleEarly settles what a member holds since an earlier leader and the feed
// has not brought yet.
func (l *leader) settleEarly(m member, tag uint64, o pubsub.Outcome, multiple bool) {
	for seq, h := range l.heldBy {
		if h.member != m || h.tag != tag && !(multiple && h.tag < tag) {
			continue
		}
		delete(l.heldBy, seq)
		if o == pubsub.Ack {
			l.dropEarly(seq)
		}
		// A reject becomes a requeue: the message is not at hand, and must not be lost.
	}
}

// dropEarly acks a message that may have come early.
func (l *leader) dropEarly(seq uint64) {
	for i := range l.early {
		if l.early[i].seq == seq {
			l.early = append(l.early[:i], l.early[i+1:]...)
			l.feed.finish(seq)
			return
		}
	}
	if l.settled == nil {
		l.settled = make(map[uint64]bool)
	}
	l.settled[seq] = true // it is on its way
}

// cancel takes a consumer off the queue, and returns what it has from a tag on. Last is
// that of leave.
func (l *leader) cancel(m member, from uint64) (last bool, err error) {
	err = l.do(func() error {
		c := l.members[m]
		if c == nil {
			return nil
		}
		last = l.engine.Leave(c, now()) && l.queue.settings.AutoDelete
		if !last { // else what it has goes with the queue, and nothing is dead-lettered
			c.Return(from)
			l.engine.Dispatch(now())
		}
		return nil
	})
	return last, err
}

// leave removes members, with all that they have. All leave before what one
// of them has goes back, so that none gets what another had. Last says that an
// auto-delete queue has lost its last consumer: the caller deletes it.
func (l *leader) leave(members ...member) (last bool, err error) {
	err = l.do(func() error {
		at := now()
		for _, m := range members {
			if c := l.members[m]; c != nil {
				last = l.engine.Leave(c, at) || last
			}
		}
		last = last && l.queue.settings.AutoDelete && l.engine.Consumers() == 0
		for _, m := range members {
			if c := l.members[m]; c != nil && !last {
				c.Return(0)
			}
			delete(l.members, m)
		}
		l.engine.Dispatch(at)
		return nil
	})
	return last, err
}

// leaveNow is leave, after which an auto-delete queue is deleted.
func (l *leader) leaveNow(members ...member) error {
	last, err := l.leave(members...)
	if last {
		l.conn.spawn(func(ctx context.Context) { l.deleteQueue(ctx, deleteAuto) })
	}
	return err
}

// get takes a message for a member, or with automatic acknowledgement for nobody.
func (l *leader) get(m member, autoAck bool) (d engine.Delivery, ok bool, ready int, err error) {
	err = l.do(func() error {
		var holder *engine.Consumer
		if !autoAck {
			if holder = l.members[m]; holder == nil {
				holder = l.engine.Holder(0)
				l.members[m] = holder
			}
		}
		d, ok = l.engine.Get(holder, now())
		ready = l.engine.Ready()
		return nil
	})
	return d, ok, ready, err
}

// status is what a queue's leader tells about it.
type status struct {
	Ready, Unacked, Consumers int
}

// inspect tells the counts. All that was confirmed before counts.
func (l *leader) inspect(ctx context.Context, use bool) (status, error) {
	if use {
		l.touch() // it may take longer than the queue has left
	}
	last, err := l.conn.lastStored(ctx, l.queue.stream)
	if err != nil {
		return status{}, err
	}
	if err := l.caughtUp(ctx, last); err != nil {
		return status{}, err
	}
	var s status
	err = l.do(func() error {
		if use {
			l.engine.Touch(now())
		}
		l.engine.Tick(now())
		s = status{l.engine.Ready(), l.engine.Unacked(), l.engine.Consumers()}
		s.Ready += l.missing(last)
		return nil
	})
	return s, err
}

// touch notes that the queue is used.
func (l *leader) touch() {
	l.do(func() error {
		l.engine.Touch(now())
		return nil
	})
}

// missing returns how many messages up to a sequence are in the stream and have not
// come. The caller holds the lock.
func (l *leader) missing(last uint64) int {
	if l.queue.record.Owner != "" {
		return 0
	}
	n := l.begun.Messages - l.inherited
	if from := max(l.last, l.begun.LastSeq); last > from {
		n += int(last - from)
	}
	return n
}

// caughtUp waits until the leader has what was stored up to a sequence, or
// all that it has room for.
func (l *leader) caughtUp(ctx context.Context, last uint64) error {
	const long = 250 * time.Millisecond
	asked := time.Now()
	for pause := 200 * time.Microsecond; ; pause = min(2*pause, 20*time.Millisecond) {
		l.mu.Lock()
		ended, gathering, missing := l.ended, l.gathering, l.missing(last) > 0
		full := l.roomLocked() <= 0
		l.mu.Unlock()
		if l.queue.record.Owner != "" {
			missing, full = l.feed.last() < last, l.conn.tempRoom() == 0
		}
		switch {
		case ended:
			return errNotLeader
		case !gathering && (!missing || full):
			return nil
		case !gathering && time.Since(asked) > long:
			if err := l.recount(ctx, last); err != nil {
				return err
			}
			asked = time.Now()
		}
		select {
		case <-time.After(pause): // a feed tells nobody how far it is
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// recount asks whether there is anything to come. What was counted when the leader began
// may have held messages that were acked and about to go. The stream itself is asked: in
// a cluster its consumer may be behind, and not know of any.
func (l *leader) recount(ctx context.Context, last uint64) error {
	state, err := l.conn.streamState(ctx, l.queue.stream)
	if err != nil {
		return err
	}
	// One that is to come, comes before all that are stored later: as long as it
	// hasn't, less are here than were there.
	here := l.feed.unacked()
	l.mu.Lock()
	defer l.mu.Unlock()
	if state.Messages <= here && !l.gathering {
		l.begun.Messages, l.last = l.inherited, max(l.last, last)
	}
	return nil
}

// lastStored returns the sequence of the last message of a stream.
func (c *Conn) lastStored(ctx context.Context, stream string) (uint64, error) {
	s, err := c.streamState(ctx, stream)
	if isCode(err, codeStreamNotFound) {
		return 0, errNotLeader // the queue is deleted, or its stream is lost and made again
	}
	return s.LastSeq, err
}

// streamState is how much is in a stream.
type streamState struct {
	Messages  int    `json:"messages"`
	LastSeq   uint64 `json:"last_seq"`
	Consumers int    `json:"consumer_count"`
}

func (c *Conn) streamState(ctx context.Context, stream string) (streamState, error) {
	var answer struct {
		State streamState `json:"state"`
	}
	err := c.try(ctx, "look at the stream "+stream, func(ctx context.Context) error {
		return c.request(ctx, "STREAM.INFO."+stream, nil, &answer)
	})
	return answer.State, err
}

// purge drops what is ready, and tells how many that was.
func (l *leader) purge(ctx context.Context) (int, error) {
	last, err := l.conn.lastStored(ctx, l.queue.stream)
	if err != nil {
		return 0, err
	}
	if err := l.caughtUp(ctx, last); err != nil {
		return 0, err
	}
	n := 0
	var done chan struct{}
	err = l.do(func() error {
		l.engine.Tick(now())
		n = l.engine.Purge()
		if l.missing(last) > 0 {
			// The rest is dropped as it comes.
			done = make(chan struct{})
			l.purgeTo, l.purged, l.purgeDone = last, 0, done
		}
		return nil
	})
	if err != nil || done == nil {
		return n, err
	}
	l.feed.want()
	select {
	case <-done:
		l.mu.Lock()
		n += l.purged
		l.mu.Unlock()
		return n, nil
	case <-ctx.Done():
		return n, context.Cause(ctx)
	}
}

// admit reports whether a message may go to a queue that refuses what is too much.
func (l *leader) admit(id string, size int, p func() *pubsub.Publication) (ok bool, err error) {
	err = l.do(func() error {
		l.engine.Tick(now())
		l.prune()
		if _, again := l.pending[id]; again {
			ok = true // a publish that is tried again
			return nil
		}
		if l.engine.Refuses(size, len(l.pending), l.pendingBytes) {
			if l.queue.settings.Overflow == pubsub.RejectPublishDLX {
				l.giveUp(p(), classic.MaxLen, id+".refused", func() {})
			}
			return nil
		}
		ok = true
		l.pending[id] = admitted{size, time.Now()}
		l.pendingBytes += size
		return nil
	})
	return ok, err
}

// admitted is a message that was let in and has not come yet.
type admitted struct {
	size int
	at   time.Time
}

func (l *leader) noLongerPending(id string) {
	if p, ok := l.pending[id]; ok {
		delete(l.pending, id)
		l.pendingBytes -= p.size
	}
}

// prune forgets what was let in long ago and did not come: the stream did not take it.
func (l *leader) prune() {
	if len(l.pending) == 0 || time.Since(l.pruned) < time.Second {
		return
	}
	l.pruned = time.Now()
	for id, p := range l.pending {
		if time.Since(p.at) > patience {
			l.noLongerPending(id)
		}
	}
}

// The reasons to delete a queue.
type deletion int

const (
	deleteAsked deletion = iota
	deleteAuto           // its last consumer left
	deleteUnused
)

// deleteQueue deletes the queue for a reason of its own, if that still holds.
func (l *leader) deleteQueue(ctx context.Context, why deletion) {
	err := l.conn.deleteRecord(ctx, l.queue, func() error {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.ended || l.engine.Consumers() > 0 || why == deleteUnused && !l.engine.Tick(now()) {
			return errNoChange
		}
		return nil
	})
	if err != nil && !errors.Is(err, pubsub.ErrClosed) {
		l.conn.warn("a queue that nobody uses any more can't be deleted; it is tried again", err, "queue", l.queue.name())
	}
	if why == deleteUnused {
		l.mu.Lock()
		l.unused = false
		l.setTimer() // it was used after all, or it is tried again
		l.mu.Unlock()
	}
}

// stop ends the leadership here, and returns what it knew.
func (l *leader) stop() (members map[member]*engine.Consumer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return nil
	}
	l.ended = true
	if l.timer != nil {
		l.timer.Stop()
	}
	members, l.members = l.members, nil
	if l.purgeDone != nil {
		close(l.purgeDone)
		l.purgeDone = nil
	}
	return members
}

// queueGone ends it all because the queue is deleted.
func (l *leader) queueGone() {
	l.conn.forget(l)
	if l.queue.record.Owner == "" {
		l.stop()
		l.feed.stop()
		l.conn.control.tell(&notice{Queue: l.queue.record.Incarnation, Before: l.conn.id, Gone: true})
		return
	}
	// Its messages are in the stream of other queues too: they are done with.
	l.mu.Lock()
	if !l.ended {
		for _, c := range l.members {
			c.Return(0)
		}
		l.engine.Purge()
		for _, g := range l.engine.Effects().Gone {
			l.feed.finish(g.Seq)
		}
	}
	l.mu.Unlock()
	l.feed.proceed()
	l.stop()
}
