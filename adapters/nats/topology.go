package nats

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/gobindery/bindery/pubsub"
	"github.com/gobindery/bindery/pubsub/routing"
)

// topology keeps a connection's view of the topology, and changes the
// topology in its bucket.
//
// All changes of a vhost form one sequence: each is written only if nothing was
// written since the revision that its writer has seen (the header
// Nats-Expected-Last-Sequence on the whole bucket), and is decided again otherwise. So
// two changes at once end as if one had been before the other, whoever makes them.
//
// Reading is exact too: sync asks the bucket's leader for the next record
// after the revision known, until there is none. A publish that is routed by a view
// synced after it was begun sees every change that was complete before.
type topology struct {
	conn        *Conn
	forgetAfter time.Duration

	mu   sync.Mutex // held for a sync and a change
	view *view

	table atomic.Pointer[routing.Table[*queue]] // the view's, for who needs no sync
}

// forgetAfter is how long records of what was deleted stay at least. A view that was
// not current for longer is made anew, which takes its time.
const forgetAfter = 2 * time.Minute

// loadFrom is how many revisions a view must lag behind before they are read in bulk.
const loadFrom = 64

func newTopology(c *Conn) *topology {
	t := &topology{conn: c, forgetAfter: forgetAfter, view: newView(&c.names)}
	t.table.Store(t.view.table)
	return t
}

// open makes the bucket, unless it is there, and reads it.
func (t *topology) open(ctx context.Context) error {
	c := t.conn
	err := c.try(ctx, "open the bucket "+c.names.bucket, func(ctx context.Context) error {
		kv, err := c.js.KeyValue(ctx, c.names.bucket)
		if errors.Is(err, jetstream.ErrBucketNotFound) {
			kv, err = c.js.CreateKeyValue(ctx, jetstream.KeyValueConfig{
				Bucket:      c.names.bucket,
				Description: "topology of the vhost " + c.names.vhost,
				Storage:     c.storage,
				Replicas:    c.replicas,
			})
		}
		if err != nil {
			return err
		}
		_, err = kv.Create(ctx, formatKey, []byte("1"))
		if errors.Is(err, jetstream.ErrKeyExists) {
			return nil
		}
		return err
	})
	if err != nil {
		return err
	}
	for late := time.Now().Add(patience); ; {
		_, err := t.sync(ctx)
		// In a cluster, who is asked may not have heard of a new bucket.
		if !isCode(err, codeStreamNotFound) || time.Now().After(late) {
			return err
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// sync makes the view current, as of a moment after its call, and returns its table.
func (t *topology) sync(ctx context.Context) (*routing.Table[*queue], error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.syncLocked(ctx); err != nil {
		return nil, err
	}
	return t.view.table, nil
}

func (t *topology) syncLocked(ctx context.Context) error {
	for {
		if err := t.read(ctx); err != nil {
			return err
		}
		if !t.view.stale {
			break
		}
		t.view = newView(t.view.names)
	}
	t.view.current()
	if t.view.table != t.table.Load() {
		t.table.Store(t.view.table)
		t.conn.topologyChanged()
	}
	return nil
}

// read applies what there is after the view's revision.
func (t *topology) read(ctx context.Context) error {
	c := t.conn
	if t.view.revision == 0 {
		state, err := c.streamState(ctx, t.view.names.bucketStream())
		if err != nil {
			return err
		}
		t.view.base = state.LastSeq
	}
	for n := 0; ; n++ {
		var next *bucketMessage
		err := c.try(ctx, "read the topology", func(ctx context.Context) (err error) {
			next, err = t.next(ctx)
			return err
		})
		if err != nil {
			return err
		}
		if next == nil {
			return nil
		}
		t.apply(next.Seq, next.Subject, next.Data, next.Time)
		if n == 0 {
			if err := t.load(ctx); err != nil {
				return err
			}
		}
	}
}

// bucketMessage is a message of the bucket as JetStream's API shows it.
type bucketMessage struct {
	Subject string    `json:"subject"`
	Seq     uint64    `json:"seq"`
	Data    []byte    `json:"data"`
	Time    time.Time `json:"time"`
}

// next returns the first message after the view's revision, or nil. The bucket's leader
// answers, so that what was confirmed to anybody is seen.
func (t *topology) next(ctx context.Context) (*bucketMessage, error) {
	var answer struct {
		Message bucketMessage `json:"message"`
	}
	n := t.view.names
	ask := struct {
		Seq  uint64 `json:"seq"`
		Next string `json:"next_by_subj"`
	}{t.view.revision + 1, n.keySubject(">")}
	err := t.conn.request(ctx, "STREAM.MSG.GET."+n.bucketStream(), ask, &answer)
	if e, ok := errors.AsType[*apiError](err); ok && e.Code == codeNotFound && e.ErrCode != codeStreamNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &answer.Message, nil
}

func (t *topology) apply(seq uint64, subject string, value []byte, at time.Time) {
	key := strings.TrimPrefix(subject, t.view.names.keySubject(""))
	if err := t.view.apply(seq, key, value, at); err != nil {
		t.conn.warn("a record of the topology can't be read; it is left out", err)
	}
}

// load reads many records at once, if the view is far behind. What comes meanwhile is
// left for sync.
func (t *topology) load(ctx context.Context) error {
	c := t.conn
	return c.try(ctx, "read the topology", func(ctx context.Context) error {
		stream, err := c.js.Stream(ctx, t.view.names.bucketStream())
		if err != nil {
			return err
		}
		last := stream.CachedInfo().State.LastSeq
		if last < t.view.revision+loadFrom {
			return nil
		}
		consumer, err := stream.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{
			DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: t.view.revision + 1,
		})
		if err != nil {
			return err
		}
		messages, err := consumer.Messages()
		if err != nil {
			return err
		}
		defer messages.Stop()
		for t.view.revision < last {
			m, err := messages.Next(jetstream.NextContext(ctx))
			if err != nil {
				return err
			}
			about, err := m.Metadata()
			if err != nil {
				return err
			}
			t.apply(about.Sequence.Stream, m.Subject(), m.Data(), about.Timestamp)
			if about.NumPending == 0 {
				break
			}
		}
		return nil
	})
}

// errNoChange is what a change returns that has nothing to write.
var errNoChange = errors.New("nothing to change")

// change writes one record, which decide makes of a current view; decide is called again
// if somebody else wrote in between. It may be called with the view as its
// own record has made it, if that was written but its confirm was lost.
func (t *topology) change(ctx context.Context, decide func(v *view) (key string, r *record, err error)) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for {
		if err := t.syncLocked(ctx); err != nil {
			return err
		}
		key, r, err := decide(t.view)
		if errors.Is(err, errNoChange) {
			return nil
		} else if err != nil {
			return err
		}
		t.view.keepAlong(key, r)
		value := r.encode()
		seq, err := t.write(ctx, key, value)
		switch {
		case err == nil:
			before := t.view.table
			t.apply(seq, t.view.names.keySubject(key), value, t.conn.serverTime())
			t.view.base = seq
			if t.view.table != before {
				t.table.Store(t.view.table)
				t.conn.topologyChanged()
			}
			return nil
		case isCode(err, codeWrongLastSequence):
			t.skip(err)
		case ctx.Err() != nil:
			return fmt.Errorf("%w: write the topology: %w", pubsub.ErrUnconfirmed, context.Cause(ctx))
		case !again(err):
			return fmt.Errorf("write the topology: %w", brokerError(err))
		}
		// Without an answer it may have been written: then the view, once it is
		// current, has it, and decide finds nothing to do.
	}
}

// write is one attempt to write a record, if the view is current still.
func (t *topology) write(ctx context.Context, key string, value []byte) (seq uint64, err error) {
	c := t.conn
	attempt, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	m := &nats.Msg{Subject: t.view.names.keySubject(key), Data: value, Header: nats.Header{}}
	m.Header.Set(jetstream.ExpectedLastSeqHeader, strconv.FormatUint(t.view.revision, 10))
	ack, err := c.js.PublishMsg(attempt, m, jetstream.WithRetryAttempts(0))
	if err != nil {
		return 0, err
	}
	return ack.Sequence, nil
}

// skip takes a revision from what JetStream says of a compare-and-set that failed,
// if there is no record of it: it was cleaned away, and no sync will find it. In a cluster
// the record may also be one that is not stored yet.
func (t *topology) skip(err error) {
	_, text, _ := strings.Cut(err.Error(), "wrong last sequence: ")
	digits := text
	for i, r := range text {
		if r < '0' || r > '9' {
			digits = text[:i]
			break
		}
	}
	last, convErr := strconv.ParseUint(digits, 10, 64)
	if convErr != nil || last <= t.view.revision {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	state, err := t.conn.streamState(ctx, t.view.names.bucketStream())
	if err != nil {
		return
	}
	if state.LastSeq < last {
		time.Sleep(time.Millisecond) // it is being stored
		return
	}
	if next, err := t.next(ctx); err == nil && next == nil {
		t.view.revision = last
	}
}

// left returns what the leader of a queue said that has left, or nil.
func (t *topology) left(ctx context.Context, incarnation string) (*leftRecord, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.syncLocked(ctx); err != nil {
		return nil, err
	}
	return t.view.left[incarnation], nil
}

// setLeft says what a leader knows that leaves, if that is anything.
func (t *topology) setLeft(ctx context.Context, left *leftRecord) error {
	return t.change(ctx, func(v *view) (string, *record, error) {
		is := v.left[left.Incarnation]
		if !left.says() && !is.says() || is != nil && is.Leader == left.Leader && is.Handed == left.Handed && len(is.Members) == len(left.Members) && is.Given == left.Given && is.Done == left.Done {
			return "", nil, errNoChange
		}
		return leftKey(left.Incarnation), &record{Left: left}, nil
	})
}
