package pubsubtest

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gobindery/bindery/pubsub"
)

var brokenAdapters = slices.Concat(brokenTopology, brokenRouting, brokenPublishing, brokenConsuming, brokenSettling, brokenQueues)

// ignore takes one error of one operation for success.
func ignore(op string, sentinel error) func(pubsub.Adapter) pubsub.Adapter {
	return func(a pubsub.Adapter) pubsub.Adapter {
		return &twisted{Adapter: a, failed: func(at string, err error) error {
			if at == op && errors.Is(err, sentinel) {
				return nil
			}
			return err
		}}
	}
}

// declaring changes the queues that are declared.
func declaring(change func(*pubsub.Queue)) func(pubsub.Adapter) pubsub.Adapter {
	return func(a pubsub.Adapter) pubsub.Adapter { return &twisted{Adapter: a, queue: change} }
}

// exchanging changes the exchanges that are declared.
func exchanging(change func(*pubsub.Exchange)) func(pubsub.Adapter) pubsub.Adapter {
	return func(a pubsub.Adapter) pubsub.Adapter { return &twisted{Adapter: a, exchange: change} }
}

// counting changes one kind of count.
func counting(op string, change func(int) int) func(pubsub.Adapter) pubsub.Adapter {
	return func(a pubsub.Adapter) pubsub.Adapter {
		return &twisted{Adapter: a, counted: func(at string, n int) int {
			if at == op {
				return change(n)
			}
			return n
		}}
	}
}

// listingWrongly changes the topology that is listed.
func listingWrongly(change func(*pubsub.Topology)) func(pubsub.Adapter) pubsub.Adapter {
	return func(a pubsub.Adapter) pubsub.Adapter { return &listing{a, change} }
}

var brokenTopology = []broken{
	{"accepts a redeclare of another kind", "exchange/differs", "another type",
		ignore("declare exchange", pubsub.ErrPreconditionFailed)},
	{"accepts a redeclare of another queue", "queue/differs", "another durable",
		ignore("declare queue", pubsub.ErrPreconditionFailed)},
	{"takes reserved exchange names", "exchange/reserved", "declare amq.foo",
		ignore("declare exchange", pubsub.ErrAccessRefused)},
	{"says that it deleted amq.direct", "exchange/delete reserved", "delete amq.direct",
		ignore("delete exchange", pubsub.ErrAccessRefused)},
	{"deletes exchanges in use", "exchange/delete if unused", "delete an exchange",
		ignore("delete exchange", pubsub.ErrPreconditionFailed)},
	{"deletes queues in use", "queue/delete if unused", "delete with a consumer",
		ignore("delete queue", pubsub.ErrPreconditionFailed)},
	{"deletes queues that are not empty", "queue/delete if empty", "delete with a message",
		ignore("delete queue", pubsub.ErrPreconditionFailed)},
	{"binds missing queues", "binding/missing queue", "bind a missing queue",
		ignore("bind", pubsub.ErrNotFound)},
	{"makes queues that are inspected", "queue/inspect", "inspect a missing queue",
		ignore("inspect queue", pubsub.ErrNotFound)},
	{"purges missing queues", "queue/purge", "purge a missing queue",
		ignore("purge queue", pubsub.ErrNotFound)},
	{"does not count what it purges", "queue/purge", "purged",
		counting("purge", func(int) int { return 0 })},
	{"counts one too many when it deletes", "queue/delete", "deleted messages",
		counting("delete", func(n int) int { return n + 1 })},
	{"lets internal exchanges be published to", "exchange/internal", "publish to an internal exchange",
		exchanging(func(e *pubsub.Exchange) { e.Internal = false })},
	{"knows no alternate exchanges", "alternate/takes", "unroutable",
		exchanging(func(e *pubsub.Exchange) { e.Alternate = "" })},
	{"never deletes auto-delete exchanges", "exchange/auto-delete unbind", "check after the last unbind",
		exchanging(func(e *pubsub.Exchange) { e.AutoDelete = false })},
	{"never deletes auto-delete queues", "queue/auto-delete", `queue "auto" to go`,
		declaring(func(q *pubsub.Queue) { q.AutoDelete = false })},
	{"shares exclusive queues", "exclusive/consume", "from another connection",
		declaring(func(q *pubsub.Queue) { q.Exclusive = false })},
	{"keeps exclusive queues", "exclusive/gone", "queue \"mine\" to go",
		declaring(func(q *pubsub.Queue) { q.Exclusive = false })},
	{"names queues in its own way", "queue/named by the broker", "want amq.gen-",
		func(a pubsub.Adapter) pubsub.Adapter {
			n := 0
			return &twisted{Adapter: a, queue: func(q *pubsub.Queue) {
				if n++; q.Name == "" {
					q.Name = fmt.Sprint("temporary-", n)
				}
			}}
		}},
	{"lists no bindings", "topology/lists", "want binding of",
		listingWrongly(func(t *pubsub.Topology) { t.Bindings = nil })},
	{"lists only names of queues", "topology/lists", "want queue full",
		listingWrongly(func(t *pubsub.Topology) {
			for i, q := range t.Queues {
				t.Queues[i] = pubsub.QueueStatus{Queue: pubsub.Queue{Name: q.Name}}
			}
		})},
	{"lists in no order", "topology/lists", "not sorted",
		listingWrongly(func(t *pubsub.Topology) { slices.Reverse(t.Queues) })},
}

// binding changes what is bound, and what is unbound alike.
func binding(change func(*pubsub.Binding) (leaveOut bool)) func(pubsub.Adapter) pubsub.Adapter {
	return func(a pubsub.Adapter) pubsub.Adapter { return &twisted{Adapter: a, bind: change, unbind: change} }
}

// rewriting changes patterns.
func rewriting(change func(pattern string) string) func(pubsub.Adapter) pubsub.Adapter {
	return binding(func(b *pubsub.Binding) bool {
		b.Key = change(b.Key)
		return false
	})
}

// matching changes x-match.
func matching(from, to string) func(pubsub.Adapter) pubsub.Adapter {
	return binding(func(b *pubsub.Binding) bool {
		how, ok := b.Arguments["x-match"]
		if how == from || from == "all" && !ok && b.Exchange == "e" {
			b.Arguments = b.Arguments.Clone()
			if b.Arguments == nil {
				b.Arguments = pubsub.Table{}
			}
			b.Arguments["x-match"] = to
		}
		return false
	})
}

var brokenRouting = []broken{
	{"a.* matches a.b.c", "topic/matrix", `pattern "a.*": got the keys ["a.b" "a.b.c"`,
		rewriting(func(p string) string {
			if strings.HasSuffix(p, ".*") {
				return p + ".#"
			}
			return p
		})},
	{"a.# misses a", "topic/matrix", `pattern "a.#": got the keys ["a.b"`,
		rewriting(func(p string) string {
			if head, ok := strings.CutSuffix(p, ".#"); ok {
				return head + ".*.#"
			}
			return p
		})},
	{"a.#.b misses a.b", "topic/matrix", `pattern "a.#.b": got the keys ["a.x.b" "a..b"]`,
		rewriting(func(p string) string { return strings.ReplaceAll(p, ".#.b", ".*.#.b") })},
	{"drops empty words", "topic/matrix", `pattern "a..b"`,
		rewriting(func(p string) string { return strings.ReplaceAll(p, "..", ".") })},
	{"ignores case", "binding/direct", "messages in queue",
		rewriting(strings.ToLower)},
	{"unbind does nothing", "binding/idempotent", "after the unbind",
		func(a pubsub.Adapter) pubsub.Adapter {
			return &twisted{Adapter: a, unbind: func(*pubsub.Binding) bool { return true }}
		}},
	{"unbind ignores arguments", "binding/arguments", "after an unbind without arguments",
		binding(func(b *pubsub.Binding) bool {
			if b.Exchange == "amq.direct" {
				b.Arguments = nil
			}
			return false
		})},
	{"knows no bindings between exchanges", "exchange binding/passes on", "unroutable",
		binding(func(b *pubsub.Binding) bool { return b.ToExchange != "" })},
	{"any is all", "headers/matrix", "matches is false; want true", matching("any", "all")},
	{"all is any", "headers/matrix", "matches is true; want false", matching("all", "any")},
	{"all compares x- arguments", "headers/matrix", "x-foo", matching("all", "all-with-x")},
	{"takes any x-match", "headers/bad x-match", "bind with x-match",
		ignore("bind", pubsub.ErrPreconditionFailed)},
}
