package nats

import (
	"fmt"
	"time"

	"github.com/gobindery/bindery/pubsub"
	"github.com/gobindery/bindery/pubsub/routing"
)

// queue is a queue of the topology. It does not change.
type queue struct {
	record   *queueRecord
	settings pubsub.Queue
	stream   string // where its messages are stored
	subject  string
}

func newQueue(n *names, r *queueRecord) (*queue, error) {
	settings, err := r.settings()
	if err != nil {
		return nil, err
	}
	q := &queue{record: r, settings: settings, stream: n.queueStream(r.Name, r.Incarnation), subject: n.queueSubject(r.Name, r.Incarnation)}
	if r.Owner != "" {
		q.stream, q.subject = n.tempStream(r.Owner), n.tempSubject(r.Owner)
	}
	return q, nil
}

func (q *queue) name() string { return q.record.Name }

// needsLeader reports whether somebody has to watch the queue even though
// nobody consumes from it.
func (q *queue) needsLeader() bool {
	s := &q.settings
	return s.Expires > 0 || s.MessageTTL != nil || s.MaxLength != nil || s.MaxBytes != nil || s.DeadLetter != nil
}

// refuses reports whether the queue may refuse a publish.
func (q *queue) refuses() bool {
	s := &q.settings
	return (s.MaxLength != nil || s.MaxBytes != nil) && (s.Overflow == pubsub.RejectPublish || s.Overflow == pubsub.RejectPublishDLX)
}

// view is the topology as of one revision of its bucket: what the records up to
// it mean, applied in their order. Every connection that applies the same
// records has the same view.
type view struct {
	names    *names
	revision uint64
	table    *routing.Table[*queue]

	exchanges  map[string]string         // the incarnations of those that were declared
	autoDelete map[string]struct{}       // those of them that are auto-delete
	bindings   map[string]*bindingRecord // by key
	byEnd      map[string]map[string]struct{}
	left       map[string]*leftRecord       // by the queue's incarnation
	used       map[string]struct{}          // incarnations of auto-delete queues that had a consumer
	alongs     map[string]map[string]string // by key: what the records that are there now say of exchanges that went along

	// For the janitor: see sweep.go.
	gone       map[string]goneRecord // by key: what was deleted
	inert      map[string]uint64     // by key: records that mean nothing any more, as of a revision
	dead       map[string]struct{}   // keys: the same, from a revision on that is not read yet
	unreadable map[string]struct{}   // keys
	forgotten  uint64
	swept      sweptRecord
	sweepBegun time.Time // when this view heard of the last sweep

	// Records of what was deleted go after a while, and a view that was not current
	// then might miss some: it is stale, and is made anew.
	base    uint64 // up to this revision, none that went is missing
	loading bool   // it was never current; base was the bucket's revision when it began
	stale   bool
}

// goneRecord is about the record of something deleted, or of one that says nothing any more.
type goneRecord struct {
	revision uint64
	at       time.Time // by the server's clock
}

func newView(n *names) *view {
	return &view{
		names: n, table: routing.New[*queue](),
		exchanges: make(map[string]string), autoDelete: make(map[string]struct{}),
		bindings: make(map[string]*bindingRecord), byEnd: make(map[string]map[string]struct{}),
		left: make(map[string]*leftRecord), used: make(map[string]struct{}), alongs: make(map[string]map[string]string),
		gone: make(map[string]goneRecord), inert: make(map[string]uint64), dead: make(map[string]struct{}), unreadable: make(map[string]struct{}),
		sweepBegun: time.Now(), loading: true,
	}
}

// incarnation returns that of an exchange; it is empty for one that is always there.
func (v *view) incarnation(exchange string) string { return v.exchanges[exchange] }

// apply takes in one record, which was written at a time of the server's clock. One
// that can't be read, perhaps of a later version, is an error; the view goes on without it.
func (v *view) apply(revision uint64, key string, value []byte, at time.Time) error {
	v.revision = revision
	delete(v.gone, key)
	delete(v.inert, key)
	delete(v.dead, key)
	delete(v.unreadable, key)
	delete(v.alongs, key)
	if key == formatKey || len(value) == 0 {
		return nil
	}
	r, err := decodeRecord(value)
	if err == nil {
		err = v.applyRecord(revision, key, r, at)
	}
	if err != nil {
		v.unreadable[key] = struct{}{}
		return fmt.Errorf("key %s of the bucket %s: %w", key, v.names.bucket, err)
	}
	return nil
}

// current is called when all is read that there is.
func (v *view) current() {
	v.base, v.loading = v.revision, false
	// These meant something when they were written. What they were about is deleted since: by a record that
	// comes later, as it has overwritten an earlier one, or has been removed itself. So a janitor that was
	// not as far as this may have left them.
	for key := range v.dead {
		v.inert[key] = v.revision
	}
	clear(v.dead)
}

func (v *view) applyRecord(revision uint64, key string, r *record, at time.Time) error {
	if r.Gone || r.Left != nil && !r.Left.says() {
		v.gone[key] = goneRecord{revision, at}
	}
	var err error
	switch {
	case r.Exchange != nil && r.Gone:
		v.removeExchange(r.Exchange.Name, r.Exchange.Incarnation)
	case r.Exchange != nil:
		err = v.addExchange(r.Exchange)
	case r.Queue != nil && r.Gone:
		v.removeQueue(r.Queue.Name, r.Queue.Incarnation)
	case r.Queue != nil:
		err = v.addQueue(r.Queue)
	case r.Binding != nil && r.Gone:
		v.removeBinding(key)
	case r.Binding != nil:
		err = v.addBinding(key, r.Binding)
	case r.Left != nil:
		if v.isQueue(r.Left.Name, r.Left.Incarnation) {
			v.left[r.Left.Incarnation] = r.Left
		} else {
			v.dead[key] = struct{}{}
		}
	case r.Used != nil:
		if v.isQueue(r.Used.Name, r.Used.Incarnation) {
			v.used[r.Used.Incarnation] = struct{}{}
		} else {
			v.dead[key] = struct{}{}
		}
	case r.Sweep != nil:
		v.sweepBegun = time.Now()
	case r.Swept != nil:
		v.sweptTo(r.Swept)
	case r.Forgotten > 0:
		v.forgotten = max(v.forgotten, r.Forgotten)
		if r.Forgotten > v.base || v.loading && revision > v.base {
			v.stale = true
		}
	}
	if len(r.Along) > 0 {
		v.alongs[key] = r.Along
	}
	for name, incarnation := range r.Along {
		v.removeExchange(name, incarnation)
		if _, ok := v.exchanges[name]; !ok {
			v.inert[exchangeKey(name)] = revision
		}
	}
	return err
}

func (v *view) addExchange(r *exchangeRecord) error {
	if is, ok := v.exchanges[r.Name]; ok {
		if is == r.Incarnation {
			return nil
		}
		v.removeExchange(r.Name, is) // and then made again: the record between was overwritten
	}
	e, err := r.exchange()
	if err != nil {
		return err
	}
	t, err := v.table.DeclareExchange(e)
	if err != nil {
		return err
	}
	v.table = t
	v.exchanges[r.Name] = r.Incarnation
	if r.AutoDelete {
		v.autoDelete[r.Name] = struct{}{}
	}
	return nil
}

func (v *view) removeExchange(name, incarnation string) {
	if is, ok := v.exchanges[name]; !ok || is != incarnation {
		return
	}
	t, err := v.table.DeleteExchange(name, false)
	if err != nil {
		return // it is always there, and never deleted
	}
	v.table = t
	v.forgetExchange(name)
	v.forgetAlong()
}

// forgetExchange drops what is noted of an exchange that the table hasn't any more.
func (v *view) forgetExchange(name string) {
	v.forgetEnd(v.exchanges[name])
	delete(v.exchanges, name)
	delete(v.autoDelete, name)
}

// forgetAlong drops the auto-delete exchanges that went along with something.
func (v *view) forgetAlong() {
	for name := range v.autoDelete {
		if _, ok := v.table.Exchange(name); !ok {
			v.forgetExchange(name)
		}
	}
}

func (v *view) addQueue(r *queueRecord) error {
	if q, ok := v.table.Queue(r.Name); ok {
		if q.record.Incarnation == r.Incarnation {
			return nil
		}
		v.removeQueue(r.Name, q.record.Incarnation)
	}
	q, err := newQueue(v.names, r)
	if err != nil {
		return err
	}
	v.table = v.table.AddQueue(r.Name, q)
	return nil
}

func (v *view) removeQueue(name, incarnation string) {
	q, ok := v.table.Queue(name)
	if !ok || q.record.Incarnation != incarnation {
		return
	}
	v.table = v.table.RemoveQueue(name)
	if _, ok := v.left[incarnation]; ok {
		delete(v.left, incarnation)
		v.inert[leftKey(incarnation)] = v.revision
	}
	if _, ok := v.used[incarnation]; ok {
		delete(v.used, incarnation)
		v.inert[usedKey(incarnation)] = v.revision
	}
	v.forgetEnd(incarnation)
	v.forgetAlong()
}

// ends reports whether both ends of a binding are still those that it was made for.
func (v *view) ends(r *bindingRecord) bool {
	if v.exchanges[r.Exchange] != r.From {
		return false
	}
	if r.Queue == "" {
		return v.exchanges[r.ToExchange] == r.To
	}
	return v.isQueue(r.Queue, r.To)
}

// isQueue reports whether a queue is there, as that incarnation.
func (v *view) isQueue(name, incarnation string) bool {
	q, ok := v.table.Queue(name)
	return ok && q.record.Incarnation == incarnation
}

func (v *view) addBinding(key string, r *bindingRecord) error {
	if !v.ends(r) {
		v.dead[key] = struct{}{}
		return nil
	}
	b, err := r.binding()
	if err != nil {
		return err
	}
	t, err := v.table.Bind(b)
	if err != nil {
		return err
	}
	v.table = t
	v.bindings[key] = r
	for _, end := range []string{r.From, r.To} {
		if end == "" {
			continue
		}
		if v.byEnd[end] == nil {
			v.byEnd[end] = make(map[string]struct{})
		}
		v.byEnd[end][key] = struct{}{}
	}
	return nil
}

func (v *view) removeBinding(key string) {
	r, ok := v.bindings[key]
	if !ok {
		return
	}
	b, err := r.binding()
	if err != nil {
		return // it was read before
	}
	t, err := v.table.Unbind(b)
	if err != nil {
		return // nor can this be: it was bound
	}
	v.table = t
	v.forgetBinding(key)
	v.forgetAlong()
}

func (v *view) forgetBinding(key string) {
	r := v.bindings[key]
	delete(v.bindings, key)
	for _, end := range []string{r.From, r.To} {
		delete(v.byEnd[end], key)
		if len(v.byEnd[end]) == 0 {
			delete(v.byEnd, end)
		}
	}
}

// forgetEnd drops the bindings from and to an incarnation. The table has dropped
// them already.
func (v *view) forgetEnd(incarnation string) {
	if incarnation == "" {
		return
	}
	for key := range v.byEnd[incarnation] {
		v.forgetBinding(key)
		v.inert[key] = v.revision
	}
}

// along returns the auto-delete exchanges that go with a change, which leads to
// the table after, and their incarnations.
func (v *view) along(after *routing.Table[*queue]) map[string]string {
	var along map[string]string
	for name := range v.autoDelete {
		if _, ok := after.Exchange(name); !ok {
			if along == nil {
				along = make(map[string]string)
			}
			along[name] = v.exchanges[name]
		}
	}
	return along
}

// keepAlong has a record say what the one that it overwrites says of exchanges that went
// along, as long as the records of these are there: who reads the bucket from its
// beginning would find them declared, and nothing that ended them.
func (v *view) keepAlong(key string, r *record) {
	for name, incarnation := range v.alongs[key] {
		if _, there := v.inert[exchangeKey(name)]; !there {
			continue
		}
		if _, newer := r.Along[name]; newer {
			continue
		}
		if r.Along == nil {
			r.Along = make(map[string]string)
		}
		r.Along[name] = incarnation
	}
}
