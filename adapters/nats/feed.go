package nats

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// A feed brings the messages of one stream, in their order, and acks those that
// are done with. The stream is a work queue: it has one consumer at a time, and that
// belongs to whoever leads the queue. The consumer's name says who.
//
// Messages are pulled: as many as the feed's owner has room for. The consumer
// never redelivers by itself. When a message might have been lost on its way (its
// sequence shows a gap, after a reconnect), the feed makes another consumer in place of its own:
// all that isn't acked comes again, and what the feed knows already is dropped.
type feed struct {
	conn   *Conn
	stream string
	take   func(stored) // called in order, one at a time
	room   func() int   // how many messages may come; under no lock of the feed
	lost   func()       // called when the stream has another's consumer

	life sync.Mutex // held while the consumer is made, checked or ended

	mu          sync.Mutex
	sub         *nats.Subscription
	inbox       string
	consumer    string // its name; empty when it is ended
	pull        string // the subject of requests for messages
	generation  int
	outstanding int    // how many were asked for and have not come
	allowance   int    // how many bytes these may have; 0 if that is not limited
	fruitless   bool   // none has come of those that were asked for last
	tooLarge    bool   // the next one is larger than a feed asks for
	sequence    uint64 // that of the consumer, of the last message
	sent        uint64 // how far the consumer was, when the server was last asked
	heard       time.Time
	seen        uint64           // the stream's sequence of the last message that came
	seenAt      int64            // when the last of those that came was stored, by the server's clock
	taken       uint64           // that of the last one that take has taken
	replies     map[uint64]reply // of the messages that are not done, by the stream's sequence
	bytes       int              // of those
	acked       []string         // the subjects of acks since the server was last known to have all
	unsent      []string         // the last of them, which are to be sent
	spare       []string         // space for unsent
	ids         ids              // of what has come
	sending     bool             // somebody sends acks
	idle        sync.Cond        // nobody does
	flushed     int              // how many were before those
	reconnects  uint64           // how often the connection had been opened again when they were last sent
	checking    bool
	broken      bool // a message was lost on its way: the consumer is to be made anew
}

// reply is how to ack a message, once it is done with as often as it was taken.
type reply struct {
	subject string
	left    int
	size    int
}

// stored is a message as a stream brings it.
type stored struct {
	seq   uint64
	at    int64 // when the server stored it, by this machine's clock, in Unix nanoseconds
	stamp int64 // the same by the server's clock
	again bool  // it may have been handed out before
	twice bool  // it came before, as another message of the stream: it is to be finished at once
	msg   *nats.Msg
}

// consumerName is the name of a feed's consumer: whose it is, and which.
func consumerName(conn string, generation int) string {
	return "leader-" + conn + "-" + strconv.Itoa(generation)
}

// consumerOwner returns whose a consumer is.
func consumerOwner(name string) (conn string, ok bool) {
	rest, ok := strings.CutPrefix(name, "leader-")
	if !ok {
		return "", false
	}
	conn, _, ok = strings.Cut(rest, "-")
	return conn, ok
}

func newFeed(c *Conn, stream string, take func(stored), room func() int, lost func()) *feed {
	f := &feed{conn: c, stream: stream, take: take, room: room, lost: lost, inbox: nats.NewInbox(), replies: make(map[uint64]reply)}
	f.idle.L = &f.mu
	return f
}

// claim makes the feed's consumer. It fails with JetStream's error if the stream
// has another, which is then another's.
func (f *feed) claim(ctx context.Context) error {
	f.mu.Lock()
	f.generation++
	name := consumerName(f.conn.id, f.generation)
	f.mu.Unlock()
	want := jetstream.ConsumerConfig{
		Durable:       name,
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       10 * 365 * 24 * time.Hour, // see the comment on feed
		MaxDeliver:    -1,
		MaxAckPending: -1,
		MaxWaiting:    64,
		DeliverPolicy: jetstream.DeliverAllPolicy,
	}
	err := f.conn.try(ctx, "make a consumer of the stream "+f.stream, func(ctx context.Context) error {
		made, err := f.conn.js.CreateConsumer(ctx, f.stream, want)
		if isCode(err, codeConsumerExists) {
			return nil // an attempt whose answer was lost
		}
		if err != nil {
			return err
		}
		return f.conn.checkConsumer(f.stream, want, made.CachedInfo().Config)
	})
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.consumer, f.pull = name, f.conn.api+"CONSUMER.MSG.NEXT."+f.stream+"."+name
	f.outstanding, f.sequence, f.sent, f.heard, f.broken = 0, 0, 0, time.Now(), false
	return nil
}

// start begins to bring messages.
func (f *feed) start() error {
	sub, err := f.conn.nc.Subscribe(f.inbox, f.receive)
	if err != nil {
		return brokerError(err)
	}
	sub.SetPendingLimits(-1, -1) // bounded by what is asked for
	f.mu.Lock()
	f.sub = sub
	f.mu.Unlock()
	f.want()
	return nil
}

// proceed sends acks and asks for messages. It is called after what may have finished
// messages or made room, with no lock held.
func (f *feed) proceed() {
	f.mu.Lock()
	acks, none := len(f.unsent) > 0 && !f.sending, f.outstanding == 0
	f.mu.Unlock()
	if acks {
		f.sendAcks()
	}
	if none {
		f.want()
	}
}

// receive is called for each message and status.
func (f *feed) receive(m *nats.Msg) {
	if status := m.Header.Get("Status"); status != "" && len(m.Data) == 0 {
		f.status(m, status)
		return
	}
	about, ok := parseAckSubject(m.Reply)
	if !ok {
		return
	}
	f.mu.Lock()
	if about.consumer != f.consumer {
		f.mu.Unlock()
		return // of the one before
	}
	f.heard = time.Now()
	f.came(m.Size())
	gap := f.broken || about.sequence != f.sequence+1
	f.sequence = about.sequence
	r, known := f.replies[about.stored]
	twice := false
	switch {
	case gap:
	case known:
		f.replies[about.stored] = reply{m.Reply, r.left, r.size} // it is the new consumer that wants the ack
	case f.wasFinished(&about):
		f.ack(m.Reply)
		known = true
	default:
		twice = f.ids.again(m, f.heard)
		f.replies[about.stored] = reply{m.Reply, 1, m.Size()}
		f.bytes += m.Size()
		f.seen, f.seenAt = max(f.seen, about.stored), max(f.seenAt, about.at)
	}
	f.mu.Unlock()
	if gap {
		f.check(true)
		return
	}
	if !known {
		f.take(stored{seq: about.stored, at: about.at + f.conn.offset.Load(), stamp: about.at, again: about.deliveries > 1, twice: twice, msg: m})
		f.mu.Lock()
		f.taken = max(f.taken, about.stored)
		f.mu.Unlock()
	}
	f.proceed()
}

// wasFinished reports whether a message that comes again is done with, which only acks say
// to the server that may be lost with it: an answer to them as well. A stream that has begun
// anew, as one in memory does with its server, counts from 1 again, but not its time.
func (f *feed) wasFinished(about *ackSubject) bool {
	return about.stored <= f.seen && about.at <= f.seenAt
}

func (f *feed) remove(ctx context.Context, name string) error {
	return f.conn.removeConsumer(ctx, f.stream, name)
}

// removeConsumer deletes a consumer, unless it is gone.
func (c *Conn) removeConsumer(ctx context.Context, stream, name string) error {
	err := c.try(ctx, "delete the consumer of the stream "+stream, func(ctx context.Context) error {
		return c.request(ctx, "CONSUMER.DELETE."+stream+"."+name, nil, nil)
	})
	if isCode(err, codeConsumerNotFound, codeStreamNotFound) {
		return nil
	}
	return err
}

// end stops the feed and deletes its consumer: the next leader may come.
func (f *feed) end(ctx context.Context) error {
	f.life.Lock()
	defer f.life.Unlock()
	name := f.stop()
	if name == "" {
		return nil
	}
	if err := f.flush(ctx); err != nil {
		f.conn.log.Debug("acks may be lost", "stream", f.stream, "error", err)
	}
	return f.remove(ctx, name)
}

// stop brings no more messages. The consumer stays.
func (f *feed) stop() (consumer string) {
	f.mu.Lock()
	consumer, f.consumer = f.consumer, ""
	sub := f.sub
	f.sub = nil
	f.mu.Unlock()
	if sub != nil {
		sub.Unsubscribe()
	}
	return consumer
}

// last returns the stream's sequence of the last message that was taken.
func (f *feed) last() uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.taken
}

// unacked is how many messages have come that are not done with.
func (f *feed) unacked() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.replies)
}

// held is how many bytes the messages have that are not done.
func (f *feed) held() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.bytes
}
