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

	// How far it is. Of what was in the stream when it began, some may be missing in
	// between; after that, each sequence is a message, for nobody else takes any out.
	begun     streamState   // when it began
	inherited int           // how many of those have come
	done      done          // what earlier leaders were done with; it does not change
	last      uint64        // the stream's sequence of the last message that came
	came      chan struct{} // closed when the next one has; nil while nobody waits for it

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
	letIn        ids       // and earlier ones: a publish that is sent again must not be refused
	pruned       time.Time // when those were last looked for that did not come
}

// arrival is a message that has come.
type arrival struct {
	seq   uint64
	at    int64
	again bool
	twice bool // see stored
	id    string
	pub   *pubsub.Publication
}

// A leader has so many messages in memory that wait, and bytes of them, and what
// comes at once, unless it needs to know all messages.
const (
	window      = 4096
	windowBytes = 64 << 20
)

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
	if l.engine.Bytes() >= windowBytes {
		return 0
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
	l.arrive(arrival{m.seq, m.at, m.again, m.twice || l.done.has(m.seq, m.stamp), m.msg.Header.Get(idHeader), p})
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
	if l.came != nil {
		close(l.came)
		l.came = nil
	}
	if a.twice {
		l.feed.finish(a.seq)
		l.checkPurged()
		return
	}
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
