package pubsubtest

import "github.com/gobindery/bindery/pubsub"

// dying changes the headers of dead letters.
func dying(change func(pubsub.Table, []any)) func(pubsub.Adapter) pubsub.Adapter {
	return receiving(func(in *pubsub.Incoming) {
		if deaths, ok := in.Headers["x-death"].([]any); ok && len(deaths) > 0 {
			change(in.Headers, deaths)
		}
	})
}

var brokenQueues = []broken{
	{"keeps messages beyond the queue's TTL", "ttl/queue", "0 ready messages",
		declaring(func(q *pubsub.Queue) { q.MessageTTL = nil })},
	{"expires messages too early", "ttl/queue", "before its time",
		declaring(func(q *pubsub.Queue) {
			if q.MessageTTL != nil {
				half := *q.MessageTTL / 16
				q.MessageTTL = &half
			}
		})},
	{"ignores a message's expiration", "ttl/message", "0 ready messages",
		publishing(func(p *pubsub.Publication) int { p.Expiration = nil; return 1 })},
	{"never lets a queue expire", "expires/unused", "an unused queue to expire",
		declaring(func(q *pubsub.Queue) { q.Expires = 0 })},
	{"has queues without limit", "max-length/drop-head", "ready: got 5",
		declaring(func(q *pubsub.Queue) { q.MaxLength = nil })},
	{"ignores max-bytes", "max-length/bytes", "messages in queue",
		declaring(func(q *pubsub.Queue) { q.MaxBytes = nil })},
	{"refuses instead of dropping the head", "max-length/drop-head", "refused",
		declaring(func(q *pubsub.Queue) {
			if q.Overflow == "" || q.Overflow == pubsub.DropHead {
				q.Overflow = pubsub.RejectPublish
			}
		})},
	{"drops the head instead of refusing", "max-length/reject-publish", "publish to a full queue",
		declaring(func(q *pubsub.Queue) { q.Overflow = "" })},
	{"has no priorities", "priority/order", "messages in queue",
		declaring(func(q *pubsub.Queue) { q.MaxPriority = 0 })},
	{"serves all consumers", "single active/one", "ready, though another consumer waits",
		declaring(func(q *pubsub.Queue) { q.SingleActiveConsumer = false })},
	{"has no dead letters", "dead-letter/rejected", "1 ready messages",
		declaring(func(q *pubsub.Queue) { q.DeadLetter = nil })},
	{"drops what expires", "retry/delays", "an attempt",
		declaring(func(q *pubsub.Queue) {
			if q.MessageTTL != nil {
				q.DeadLetter = nil
			}
		})},
	{"has no dead-letter keys", "dead-letter/key", "1 ready messages",
		declaring(func(q *pubsub.Queue) {
			if q.DeadLetter != nil {
				q.DeadLetter = &pubsub.DeadLetter{Exchange: q.DeadLetter.Exchange}
			}
		})},
	{"does not dead-letter what is rejected", "dead-letter/rejected", "1 ready messages", as(pubsub.Reject, pubsub.Ack)},
	{"keeps no history of deaths", "dead-letter/rejected", "x-death",
		dying(func(h pubsub.Table, _ []any) { delete(h, "x-death") })},
	{"does not tell the first death", "dead-letter/rejected", "x-first-death-queue",
		dying(func(h pubsub.Table, _ []any) { delete(h, "x-first-death-queue") })},
	{"does not count deaths", "dead-letter/again", "count:1",
		dying(func(_ pubsub.Table, deaths []any) { deaths[0].(pubsub.Table)["count"] = int64(1) })},
	{"has the first death in front", "dead-letter/chain", "x-death",
		dying(func(_ pubsub.Table, deaths []any) {
			deaths[0], deaths[len(deaths)-1] = deaths[len(deaths)-1], deaths[0]
		})},
	{"tells a wrong time of death", "dead-letter/rejected", "the time of death",
		dying(func(_ pubsub.Table, deaths []any) { delete(deaths[0].(pubsub.Table), "time") })},
	{"keeps the expiration of dead letters", "dead-letter/expired message", "want none",
		receiving(func(in *pubsub.Incoming) {
			if _, dead := in.Headers["x-death"]; dead {
				in.Expiration = ms(20)
			}
		})},
}
