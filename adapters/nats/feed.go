package nats

import (
	"context"
	"encoding/json"
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

// pullExpires is how long a request for messages is good for.
const (
	pullExpires   = 60 * time.Second
	pullHeartbeat = 5 * time.Second
	pullMost      = 1024
)

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

// want asks for messages if there is room, and none are to come: the server serves
// requests in turns, so that with two it would be unknown how many bytes are left of each.
func (f *feed) want() {
	room := min(f.room(), pullMost)
	most := f.conn.pullBytes()
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.consumer == "" || f.sub == nil || room <= 0 || f.outstanding > 0 {
		return
	}
	if f.tooLarge { // the server has taken larger ones before
		room, most, f.tooLarge = 1, 0, false
	}
	f.outstanding, f.allowance, f.fruitless = room, most, true
	f.request(room, most)
}

// pullBytes is how many bytes a feed asks for at once. A server closes the connection of a
// client that it has too much for (max_pending, 64 MiB by default), and so all
// feeds together ask for half of that, but each for the largest message at least.
func (c *Conn) pullBytes() int {
	const (
		all      = 32 << 20
		overhead = 64 << 10 // subjects, which don't count in a message's size
	)
	c.mu.Lock()
	feeds := len(c.leaders) + 1 // and the one of the exclusive queues
	c.mu.Unlock()
	return max(all/feeds, c.limit+overhead)
}

func (f *feed) request(n, bytes int) {
	body, _ := json.Marshal(struct {
		Batch     int           `json:"batch"`
		MaxBytes  int           `json:"max_bytes,omitempty"`
		Expires   time.Duration `json:"expires"`
		Heartbeat time.Duration `json:"idle_heartbeat"`
	}{n, bytes, pullExpires, pullHeartbeat})
	f.conn.nc.PublishRequest(f.pull, f.inbox, body) // tend asks again if it fails
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

// came counts what came of what was asked for. Where it has as many bytes as were asked for, the
// server says nothing more. The caller holds the lock.
func (f *feed) came(size int) {
	f.fruitless = false
	f.outstanding = max(0, f.outstanding-1)
	if f.allowance == 0 {
		return
	}
	if f.allowance -= size; f.allowance <= 0 {
		f.outstanding, f.allowance = 0, 0
	}
}

// wasFinished reports whether a message that comes again is done with, which only acks say
// to the server that may be lost with it: an answer to them as well. A stream that has begun
// anew, as one in memory does with its server, counts from 1 again, but not its time.
func (f *feed) wasFinished(about *ackSubject) bool {
	return about.stored <= f.seen && about.at <= f.seenAt
}

// status deals with what the server says about a request for messages.
func (f *feed) status(m *nats.Msg, status string) {
	f.mu.Lock()
	f.heard = time.Now()
	text := m.Header.Get("Description")
	if status == "100" {
		f.mu.Unlock()
		return
	}
	full := text == "Message Size Exceeds MaxBytes"
	f.outstanding, f.tooLarge = 0, full && f.fruitless
	f.mu.Unlock()
	if full || status == "408" || status == "404" {
		f.want()
		return
	}
	// The consumer is deleted, or moved to another server, or nobody answers.
	f.conn.log.Debug("a pull ended", "stream", f.stream, "status", status, "description", text)
	f.check(false)
}

// check looks in the background whether the consumer is there, and makes another
// one if it is not, or if again says so. Where another connection has taken the
// stream over, it calls lost.
func (f *feed) check(again bool) {
	f.mu.Lock()
	f.broken = f.broken || again
	if f.checking || f.consumer == "" {
		f.mu.Unlock()
		return
	}
	f.checking = true
	f.mu.Unlock()
	f.conn.running.Go(func() {
		ctx, cancel := f.conn.background()
		defer cancel()
		var err error
		for more := true; more; {
			err = f.recheck(ctx)
			f.mu.Lock()
			more = err == nil && f.broken // since then
			f.checking = more
			f.mu.Unlock()
		}
		switch {
		case err == nil:
			select {
			case <-time.After(checkPause):
			case <-ctx.Done():
			}
			f.want()
		case isCode(err, codeConsumerNotUnique, codeConsumerOverlaps, codeStreamNotFound):
			f.lost()
		case f.conn.ended.Load():
		default:
			f.conn.warn("a queue's messages can't be had; it is tried again", err, "stream", f.stream)
		}
	})
}

// checkPause is how long a feed waits before it asks again a consumer that is there but
// has not answered, as while its leader is elected.
const checkPause = 5 * time.Millisecond

func (f *feed) recheck(ctx context.Context) error {
	f.life.Lock()
	defer f.life.Unlock()
	f.mu.Lock()
	name, again := f.consumer, f.broken
	f.mu.Unlock()
	if name == "" {
		return nil
	}
	if again {
		if err := f.remove(ctx, name); err != nil {
			return err
		}
		return f.claim(ctx)
	}
	var info struct {
		Delivered struct {
			Sequence uint64 `json:"consumer_seq"`
		} `json:"delivered"`
	}
	err := f.conn.try(ctx, "look for the consumer of the stream "+f.stream, func(ctx context.Context) error {
		return f.conn.request(ctx, "CONSUMER.INFO."+f.stream+"."+name, nil, &info)
	})
	if isCode(err, codeConsumerNotFound) {
		return f.claim(ctx)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.consumer == name {
		f.sent = info.Delivered.Sequence
	}
	return err
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

// hold says how many queues have taken a message; none acks it.
func (f *feed) hold(seq uint64, n int) {
	if n == 0 {
		f.finish(seq)
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if r, ok := f.replies[seq]; ok {
		r.left = n
		f.replies[seq] = r
	}
}

// finish acks a message, unless other queues have it too.
func (f *feed) finish(seq uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	r, ok := f.replies[seq]
	if !ok {
		return
	}
	if r.left--; r.left > 0 {
		f.replies[seq] = r
		return
	}
	delete(f.replies, seq)
	f.bytes -= r.size
	f.ack(r.subject)
}

var ackBody = []byte("+ACK")

// ack has an ack sent. The caller holds the lock.
func (f *feed) ack(subject string) {
	f.acked = append(f.acked, subject)
	f.unsent = append(f.unsent, subject)
}

// sendAcks sends the acks that are to be sent, unless somebody else does already, who then sends
// these too. It holds no lock: nats.go's may be held for as long as a write takes.
func (f *feed) sendAcks() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.sending {
		return
	}
	f.sending = true
	for len(f.unsent) > 0 {
		acks := f.unsent
		f.unsent, f.spare = f.spare[:0], nil
		f.mu.Unlock()
		for _, subject := range acks {
			f.conn.nc.Publish(subject, ackBody) // if it fails, the connection is lost, and flush sends it again
		}
		clear(acks)
		f.mu.Lock()
		f.spare = acks
	}
	f.sending = false
	f.idle.Broadcast()
}

// flush returns once the server has all acks that were sent before.
func (f *feed) flush(ctx context.Context) error {
	f.sendAcks()
	f.mu.Lock()
	for f.sending {
		f.idle.Wait()
	}
	n := len(f.acked) - len(f.unsent)
	if n == 0 {
		f.mu.Unlock()
		return nil
	}
	// Those that were sent before the connection was lost may be lost too. A connection that is lost
	// from here on fails the request below.
	if r := f.conn.nc.Stats().Reconnects; r != f.reconnects {
		f.reconnects = r
		for _, subject := range f.acked[:n] {
			f.conn.nc.Publish(subject, ackBody)
		}
	}
	until, subject := f.flushed+n, f.acked[n-1]
	f.mu.Unlock()
	// Acks of one consumer are handled in their order, and this one is answered.
	if _, err := f.conn.nc.RequestWithContext(ctx, subject, ackBody); err != nil {
		return err
	}
	f.mu.Lock()
	if n := until - f.flushed; n > 0 { // else another call was faster
		f.acked = append(f.acked[:0], f.acked[n:]...)
		f.flushed = until
	}
	f.mu.Unlock()
	return nil
}

// tend is called every second.
func (f *feed) tend() {
	f.mu.Lock()
	// What the server had sent then has come by now, or is lost with a connection: none that comes
	// after it may show the gap.
	f.broken = f.broken || f.sequence < f.sent
	quiet := f.broken || f.outstanding > 0 && time.Since(f.heard) > 3*pullHeartbeat
	f.mu.Unlock()
	if quiet {
		f.mu.Lock()
		f.outstanding = 0
		f.mu.Unlock()
		f.check(false)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	f.flush(ctx) // or the next time
	f.want()
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

// ackSubject is what the subject of a message's ack tells about it.
type ackSubject struct {
	consumer   string
	deliveries uint64
	stored     uint64 // the stream's sequence
	sequence   uint64 // the consumer's
	at         int64  // when it was stored, by the server's clock
}

// parseAckSubject reads $JS.ACK.<stream>.<consumer>.<deliveries>.<stored>.<sequence>.<time>.<pending>,
// or the longer form with a domain and an account before the stream.
func parseAckSubject(s string) (a ackSubject, ok bool) {
	skip := 3
	switch n := strings.Count(s, "."); {
	case n >= 10:
		skip = 5
	case n != 8:
		return a, false
	}
	for range skip {
		_, s, _ = strings.Cut(s, ".")
	}
	a.consumer, s, _ = strings.Cut(s, ".")
	var numbers [4]uint64
	for i := range numbers {
		var token string
		token, s, _ = strings.Cut(s, ".")
		var err error
		if numbers[i], err = strconv.ParseUint(token, 10, 63); err != nil {
			return a, false
		}
	}
	a.deliveries, a.stored, a.sequence, a.at = numbers[0], numbers[1], numbers[2], int64(numbers[3])
	return a, true
}
