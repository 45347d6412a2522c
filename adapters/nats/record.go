package nats

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/gobindery/bindery/adapters/nats/internal/message"
	"github.com/gobindery/bindery/pubsub"
)

// A record is the value of one key of the topology's bucket, as JSON. It does not
// change once it is written: an exchange or queue that is declared again after
// it was deleted has another incarnation, and bindings name those of both of their
// ends. So what is deleted takes its bindings along with one write.
//
// The record of what was deleted stays for a while, so that others hear of it.
type record struct {
	Exchange *exchangeRecord `json:"exchange,omitempty"`
	Queue    *queueRecord    `json:"queue,omitempty"`
	Binding  *bindingRecord  `json:"binding,omitempty"`

	// Left is what a queue's leader knew that has left in good order.
	Left *leftRecord `json:"left,omitempty"`

	// Used says that an auto-delete queue had a consumer.
	Used *usedRecord `json:"used,omitempty"`

	// What the janitor writes.
	Sweep     *sweepRecord `json:"sweep,omitempty"`
	Swept     *sweptRecord `json:"swept,omitempty"`
	Forgotten uint64       `json:"forgotten,omitempty"` // of what was deleted, records up to this revision go

	// Gone says that it was deleted. Along are the names of the auto-delete exchanges
	// that went with it, with their incarnations. Their records stay where they are
	// until the janitor takes them, and what overwrites this one says the same until then.
	Gone  bool              `json:"gone,omitempty"`
	Along map[string]string `json:"along,omitempty"`
}

type exchangeRecord struct {
	Incarnation string `json:"incarnation"`
	Name        string `json:"name"`
	Kind        string `json:"kind"`
	Durable     bool   `json:"durable,omitempty"`
	AutoDelete  bool   `json:"auto_delete,omitempty"`
	Internal    bool   `json:"internal,omitempty"`
	Alternate   string `json:"alternate,omitempty"`
	Arguments   string `json:"arguments,omitempty"`
}

type queueRecord struct {
	Incarnation string `json:"incarnation"`
	Name        string `json:"name"`

	// Owner is the connection whose exclusive queue it is, and Number the queue's
	// among those of that.
	Owner  string `json:"owner,omitempty"`
	Number int    `json:"number,omitempty"`

	Durable              bool        `json:"durable,omitempty"`
	AutoDelete           bool        `json:"auto_delete,omitempty"`
	MessageTTL           *int64      `json:"message_ttl_ms,omitempty"`
	Expires              int64       `json:"expires_ms,omitempty"`
	MaxLength            *int        `json:"max_length,omitempty"`
	MaxBytes             *int        `json:"max_length_bytes,omitempty"`
	Overflow             string      `json:"overflow,omitempty"`
	DeadLetter           *deadLetter `json:"dead_letter,omitempty"`
	MaxPriority          uint8       `json:"max_priority,omitempty"`
	SingleActiveConsumer bool        `json:"single_active_consumer,omitempty"`
	Arguments            string      `json:"arguments,omitempty"`
}

type deadLetter struct {
	Exchange   string  `json:"exchange"`
	RoutingKey *string `json:"routing_key,omitempty"`
}

type bindingRecord struct {
	Exchange   string `json:"exchange"`
	From       string `json:"from"` // the exchange's incarnation; empty for one that is always there
	Queue      string `json:"queue,omitempty"`
	ToExchange string `json:"to_exchange,omitempty"`
	To         string `json:"to"` // the incarnation of the destination
	Key        string `json:"key"`
	Arguments  string `json:"arguments,omitempty"`
}

// leftRecord is what a queue's leader knew that has left in good order, for the next
// one. Unlike the other records, it is overwritten.
type leftRecord struct {
	Incarnation string       `json:"queue"`
	Name        string       `json:"name"`
	Leader      string       `json:"leader"`
	Handed      uint64       `json:"handed,omitempty"`  // up to this sequence it had messages
	Given       string       `json:"given,omitempty"`   // those of them that were handed out and are not done with, as ranges
	Members     []leftMember `json:"members,omitempty"` // who may have them

	// Done are messages that are done with and may come again, as ranges; Stored is when the last of those
	// that had come was stored, by the server's clock in Unix nanoseconds: see done.go.
	Done   string `json:"done,omitempty"`
	Stored int64  `json:"stored,omitempty"`
}

type leftMember struct {
	Conn string `json:"connection"`
	ID   uint64 `json:"id"`
}

// usedRecord says that a queue had a consumer: without one, an auto-delete queue is deleted.
type usedRecord struct {
	Incarnation string `json:"queue"`
	Name        string `json:"name"`
}

// sweepRecord says who begins to sweep. The others don't for a while.
type sweepRecord struct {
	Conn string `json:"connection"`
}

// sweptRecord says what was swept.
type sweptRecord struct {
	Inert    uint64   `json:"inert,omitempty"`    // records up to this revision that had no meaning any more
	Gone     uint64   `json:"gone,omitempty"`     // records of what was deleted, up to this revision
	Suspects []string `json:"suspects,omitempty"` // connections that were not there
}

// says reports whether there is anything in it.
func (r *leftRecord) says() bool {
	return r != nil && (r.Given != "" || len(r.Members) > 0 || r.Done != "")
}

// The keys of the bucket. That of a binding holds the incarnations, so that
// the one of a deleted exchange is never overwritten by a new one's.
const (
	formatKey    = "format"
	sweepKey     = "sweep"
	sweptKey     = "swept"
	forgottenKey = "forgotten"
)

func exchangeKey(name string) string    { return "e." + escape(name) }
func queueKey(name string) string       { return "q." + escape(name) }
func leftKey(incarnation string) string { return "l." + incarnation }
func usedKey(incarnation string) string { return "u." + incarnation }

func (b *bindingRecord) key() string {
	return "b." + strings.TrimRight(hash(b.Exchange, b.From, b.Queue, b.ToExchange, b.To, b.Key, b.Arguments), "=")
}

func newExchangeRecord(e pubsub.Exchange, incarnation string) *exchangeRecord {
	return &exchangeRecord{
		Incarnation: incarnation, Name: e.Name, Kind: string(e.Kind), Durable: e.Durable, AutoDelete: e.AutoDelete,
		Internal: e.Internal, Alternate: e.Alternate, Arguments: message.FormatTable(e.Arguments),
	}
}

func (r *exchangeRecord) exchange() (pubsub.Exchange, error) {
	args, err := message.ParseTable(r.Arguments)
	return pubsub.Exchange{
		Name: r.Name, Kind: pubsub.Kind(r.Kind), Durable: r.Durable, AutoDelete: r.AutoDelete,
		Internal: r.Internal, Alternate: r.Alternate, Arguments: args,
	}, err
}

func newQueueRecord(q pubsub.Queue, incarnation string) *queueRecord {
	r := &queueRecord{
		Incarnation: incarnation, Name: q.Name, Durable: q.Durable, AutoDelete: q.AutoDelete,
		Expires: q.Expires.Milliseconds(), MaxLength: q.MaxLength, MaxBytes: q.MaxBytes, Overflow: string(q.Overflow),
		MaxPriority: q.MaxPriority, SingleActiveConsumer: q.SingleActiveConsumer, Arguments: message.FormatTable(q.Arguments),
	}
	if q.MessageTTL != nil {
		r.MessageTTL = new(q.MessageTTL.Milliseconds())
	}
	if q.DeadLetter != nil {
		r.DeadLetter = &deadLetter{q.DeadLetter.Exchange, q.DeadLetter.RoutingKey}
	}
	return r
}

func (r *queueRecord) settings() (pubsub.Queue, error) {
	args, err := message.ParseTable(r.Arguments)
	q := pubsub.Queue{
		Name: r.Name, Durable: r.Durable, AutoDelete: r.AutoDelete, Exclusive: r.Owner != "",
		Expires: time.Duration(r.Expires) * time.Millisecond, MaxLength: r.MaxLength, MaxBytes: r.MaxBytes,
		Overflow: pubsub.Overflow(r.Overflow), MaxPriority: r.MaxPriority,
		SingleActiveConsumer: r.SingleActiveConsumer, Arguments: args,
	}
	if r.MessageTTL != nil {
		q.MessageTTL = new(time.Duration(*r.MessageTTL) * time.Millisecond)
	}
	if d := r.DeadLetter; d != nil {
		q.DeadLetter = &pubsub.DeadLetter{Exchange: d.Exchange, RoutingKey: d.RoutingKey}
	}
	return q, err
}

func (r *bindingRecord) binding() (pubsub.Binding, error) {
	args, err := message.ParseTable(r.Arguments)
	return pubsub.Binding{Exchange: r.Exchange, Queue: r.Queue, ToExchange: r.ToExchange, Key: r.Key, Arguments: args}, err
}

func (r *record) encode() []byte {
	b, err := json.Marshal(r)
	if err != nil {
		panic(fmt.Sprintf("nats: encode a record: %v", err)) // it has nothing that JSON hasn't
	}
	return b
}

func decodeRecord(b []byte) (*record, error) {
	var r record
	if err := json.Unmarshal(b, &r); err != nil {
		return nil, err
	}
	return &r, nil
}
