// Package routing decides which queues get a message: it is RabbitMQ's routing
// as a pure data structure, without input or output.
//
// A [Table] is an immutable snapshot of the exchanges, queues and bindings of a
// vhost. An adapter keeps the current one in an atomic pointer: publishers read
// it without a lock, and whoever changes the topology replaces it. The
// reference is RabbitMQ 3.10; where its pages are silent, it was asked.
//
// # Structure
//
// Everything hangs on one persistent hash table (hamt.go), of which a changed
// copy shares nearly all with the original. A Table has two: exchanges and
// queues by name. A queue or exchange knows the bindings to it, by their
// identity; so binding twice, unbinding, and deleting a destination are found
// without a search. An exchange has the bindings from it in the form that its
// kind asks for:
//
//   - fanout: one group
//   - direct: a hash table of groups, by key
//   - topic: a trie of words, with a group at each pattern (topic.go)
//   - headers: a hash table of bindings, by one of the arguments that each
//     asks for (headers.go)
//
// A group (group.go) is the bindings that match together. It keeps their
// destinations, each once, as slices that Route returns as they are (dests.go).
// From every group the bindings can be reached, with all that identifies them:
// what explains a route needs no other structure.
//
// # Cost
//
// With n bindings, a change costs O(log n) time and memory; an unbinding from a
// group whose slices are in use costs the next route through it a copy of them.
// A route costs:
//
//   - fanout, direct, default exchange: constant, and nothing is copied.
//   - topic, key seen lately: constant. Each state of a topic exchange has a
//     cache of its own (cache.go), made after 64 routes, so that a topology
//     that changes all the time doesn't pay for it. A key enters it when it
//     comes for the second time. It holds at most 16,384 keys, and 131,072
//     queues in lists that were made for it.
//   - topic, other keys: what the trie has to be looked at. A key is matched by
//     descent (descent.go), or, where words follow an "#", by a set of states
//     (match.go): at most words of the key × nodes that it can reach, whatever
//     the patterns are. There is no backtracking, so none can explode.
//   - headers: the message's headers, and the bindings that one of them finds.
//   - several matches: the queues, to leave out those that were there before.
//
// Each exchange on the way is looked at once. Nothing is allocated, if into has
// room; but a key that the cache admits is copied, and a list of queues with
// it. A binding takes less than 500 bytes.
package routing
