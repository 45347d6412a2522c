package nats

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/gobindery/bindery/pubsub"
)

// control is how connections talk with one another: each takes requests for the
// queues that it leads, and deliveries of those that others lead, on subjects of its own.
// Nothing of this is stored. A connection that has died has no subscription on its
// subjects any more, and the server says so at once.
type control struct {
	conn     *Conn
	requests *nats.Subscription
	incoming *nats.Subscription
	notices  *nats.Subscription
}

// errGone is that of a request to a connection that is no more.
var errGone = errors.New("the connection is gone")

// The operations.
const (
	opPing    = "ping"
	opJoin    = "join"
	opCancel  = "cancel"
	opLeave   = "leave"
	opSettle  = "settle"
	opGet     = "get"
	opInspect = "inspect"
	opPurge   = "purge"
	opDelete  = "delete"
)

// request is what one connection asks of another.
type request struct {
	Op    string
	From  string `json:",omitempty"` // the connection's id
	Queue string `json:",omitempty"` // its incarnation
	ID    uint64 `json:",omitempty"` // of the subscription

	Join        *joining     `json:",omitempty"`
	Tag         uint64       `json:",omitempty"`
	Settlements []settlement `json:",omitempty"`
	AutoAck     bool         `json:",omitempty"`
	Use         bool         `json:",omitempty"`
	IfUnused    bool         `json:",omitempty"`
	IfEmpty     bool         `json:",omitempty"`
}

// answer is what it says.
type answer struct {
	NotLeader bool     `json:",omitempty"`
	Error     string   `json:",omitempty"`
	Code      int      `json:",omitempty"` // which of codes it wraps, counted from 1
	Lost      []uint64 `json:",omitempty"`
	Status    status
	Count     int
}

// codes are the errors that an answer may wrap.
var codes = []error{
	pubsub.ErrNotFound, pubsub.ErrPreconditionFailed, pubsub.ErrAccessRefused, pubsub.ErrResourceLocked, pubsub.ErrDeliveryLost,
	pubsub.ErrUnavailable, pubsub.ErrUnsupported,
}

// err is the error of an answer.
func (a *answer) err() error {
	switch {
	case a.NotLeader:
		return errNotLeader
	case a.Error == "":
		return nil
	case a.Code > 0 && a.Code <= len(codes):
		is := codes[a.Code-1]
		return fmt.Errorf("%w%s", is, strings.TrimPrefix(a.Error, is.Error()))
	}
	return errors.New(a.Error)
}

func (a *answer) set(err error) {
	if err == nil {
		return
	}
	if errors.Is(err, errNotLeader) {
		a.NotLeader = true
		return
	}
	a.Error = err.Error()
	for i, is := range codes {
		if errors.Is(err, is) {
			a.Code = i + 1
			return
		}
	}
}

func newControl(c *Conn) *control { return &control{conn: c} }

// start takes requests.
func (t *control) start() error {
	c := t.conn
	for _, s := range []struct {
		subject string
		handle  nats.MsgHandler
		sub     **nats.Subscription
	}{
		{c.names.controlSubject(c.id), t.serve, &t.requests},
		{c.names.deliverySubject(c.id), t.delivered, &t.incoming},
		{c.names.noticeSubject(), t.notice, &t.notices},
	} {
		sub, err := c.nc.Subscribe(s.subject, s.handle)
		if err != nil {
			return brokerError(err)
		}
		sub.SetPendingLimits(-1, -1) // bounded by what consumers may have unsettled
		*s.sub = sub
	}
	return c.nc.FlushTimeout(patience)
}

func (t *control) stop() {
	for _, s := range []*nats.Subscription{t.requests, t.incoming, t.notices} {
		if s != nil {
			s.Unsubscribe()
		}
	}
}

// serve answers a request. Those that take time are answered by a goroutine.
func (t *control) serve(m *nats.Msg) {
	if m.Header.Get(admitHeader) != "" {
		t.conn.publisher.relay(m)
		return
	}
	var r request
	if err := json.Unmarshal(m.Data, &r); err != nil {
		return
	}
	if r.Op == opPing {
		t.reply(m, &answer{})
		return
	}
	c := t.conn
	c.mu.Lock()
	l := c.leaders[r.Queue]
	c.mu.Unlock()
	if l == nil {
		t.reply(m, &answer{NotLeader: true})
		return
	}
	from := member{r.From, r.ID}
	if r.Op == opSettle {
		if err := l.settleNow(from, false, r.Settlements...); !errors.Is(err, errBehind) {
			var a answer
			a.set(err)
			t.reply(m, &a)
			return
		}
	}
	// Other operations wait for JetStream. Who asks sends no other that depends on this one's
	// order before this is answered.
	c.spawn(func(ctx context.Context) {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		if r.Op == opGet {
			t.get(ctx, m, l, from, r.AutoAck)
			return
		}
		var a answer
		t.slow(ctx, &r, l, from, &a)
		t.reply(m, &a)
	})
}

// slow does what waits for JetStream.
func (t *control) slow(ctx context.Context, r *request, l *leader, from member, a *answer) {
	var err error
	switch r.Op {
	case opSettle:
		err = l.settle(from, r.Settlements...)
	case opCancel:
		var last bool
		if last, err = l.cancel(from, r.Tag); last {
			t.conn.spawn(func(ctx context.Context) { l.deleteQueue(ctx, deleteAuto) })
		}
	case opLeave:
		err = l.leaveNow(from)
	case opJoin:
		a.Lost, err = l.joinCaughtUp(ctx, from, r.Join, &elsewhere{t.conn, from})
	case opInspect:
		a.Status, err = l.inspect(ctx, r.Use)
	case opPurge:
		a.Count, err = l.purge(ctx)
	case opDelete:
		a.Count, err = l.delete(ctx, pubsub.DeleteQueueOptions{IfUnused: r.IfUnused, IfEmpty: r.IfEmpty})
	}
	a.set(err)
}

func (t *control) reply(m *nats.Msg, a *answer) {
	b, err := json.Marshal(a)
	if err != nil {
		panic(fmt.Sprintf("nats: encode an answer: %v", err)) // it has nothing that JSON hasn't
	}
	t.conn.nc.Publish(m.Reply, b)
}

// ask sends a request to another connection, and waits for the answer.
func (t *control) ask(ctx context.Context, conn string, r *request) (*answer, error) {
	r.From = t.conn.id
	b, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	m, err := t.send(ctx, conn, b)
	if err != nil {
		return nil, err
	}
	var a answer
	if err := json.Unmarshal(m.Data, &a); err != nil {
		return nil, err
	}
	return &a, a.err()
}

// send sends a request to another connection. If there is no answer for a while, it
// looks whether that is there at all.
func (t *control) send(ctx context.Context, conn string, b []byte) (*nats.Msg, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := time.AfterFunc(pingTimeout, func() {
		t.conn.running.Go(func() {
			if alive, err := t.conn.lives(ctx, conn); err == nil && !alive {
				cancel(errGone)
			}
		})
	})
	defer watch.Stop()
	m, err := t.exchange(ctx, conn, b)
	if err != nil && errors.Is(context.Cause(ctx), errGone) {
		err = errGone
	}
	return m, err
}

// exchange sends a request and waits for the answer.
func (t *control) exchange(ctx context.Context, conn string, b []byte) (*nats.Msg, error) {
	m, err := t.conn.nc.RequestWithContext(ctx, t.conn.names.controlSubject(conn), b)
	if errors.Is(err, nats.ErrNoResponders) {
		return nil, errGone
	}
	return m, brokerError(err)
}

func (t *control) join(ctx context.Context, conn string, q *queue, id uint64, j *joining) (lost []uint64, err error) {
	a, err := t.ask(ctx, conn, &request{Op: opJoin, Queue: q.record.Incarnation, ID: id, Join: j})
	if err != nil {
		return nil, err
	}
	return a.Lost, nil
}

func (t *control) cancel(ctx context.Context, conn string, q *queue, id, from uint64) error {
	_, err := t.ask(ctx, conn, &request{Op: opCancel, Queue: q.record.Incarnation, ID: id, Tag: from})
	return err
}

func (t *control) leave(ctx context.Context, conn string, q *queue, id uint64) error {
	_, err := t.ask(ctx, conn, &request{Op: opLeave, Queue: q.record.Incarnation, ID: id})
	return err
}

func (t *control) settle(ctx context.Context, conn string, q *queue, id uint64, group []settlement) error {
	_, err := t.ask(ctx, conn, &request{Op: opSettle, Queue: q.record.Incarnation, ID: id, Settlements: group})
	return err
}

// alive reports whether a connection answers. One that doesn't within the time of
// a request may still live.
func (t *control) alive(ctx context.Context, conn string) (bool, error) {
	_, err := t.exchange(ctx, conn, pingRequest)
	if errors.Is(err, errGone) {
		return false, nil
	}
	return err == nil, err
}

var pingRequest = []byte(`{"Op":"ping"}`)
