package memory_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/gobindery/bindery/adapters/memory"
	"github.com/gobindery/bindery/pubsub"
)

// Errors are in RabbitMQ's words, for clients that read them. Here they come
// without a Broker in front.
func TestDeclareQueueErrors(t *testing.T) {
	conn := memory.NewServer().Connect(nil)
	t.Cleanup(func() { must(t, conn.Close()) })
	ctx := t.Context()
	for _, q := range []pubsub.Queue{{Name: "q"}, {Name: "five", MaxLength: new(5), MessageTTL: new(time.Second)}} {
		_, err := conn.DeclareQueue(ctx, q)
		must(t, err)
	}
	generated, err := conn.DeclareQueue(ctx, pubsub.TempQueue())
	must(t, err)
	for _, c := range []struct {
		queue pubsub.Queue
		is    error
		says  string
	}{
		{pubsub.Queue{Name: "q", Durable: true}, pubsub.ErrPreconditionFailed,
			"inequivalent arg 'durable' for queue 'q' in vhost '/': received 'true' but current is 'false'"},
		{pubsub.Queue{Name: "q", MaxLength: new(5)}, pubsub.ErrPreconditionFailed,
			"inequivalent arg 'x-max-length' for queue 'q' in vhost '/': received the value '5' of type 'signedint' but current is none"},
		{pubsub.Queue{Name: "q", MaxBytes: new(5 << 40)}, pubsub.ErrPreconditionFailed,
			"inequivalent arg 'x-max-length-bytes' for queue 'q' in vhost '/': received the value '5497558138880' of type 'long' but current is none"},
		{pubsub.Queue{Name: "q", SingleActiveConsumer: true}, pubsub.ErrPreconditionFailed,
			"inequivalent arg 'x-single-active-consumer' for queue 'q' in vhost '/': received the value 'true' of type 'bool' but current is none"},
		{pubsub.Queue{Name: "q", Overflow: pubsub.RejectPublish}, pubsub.ErrPreconditionFailed,
			"inequivalent arg 'x-overflow' for queue 'q' in vhost '/': received the value 'reject-publish' of type 'longstr' but current is none"},
		{pubsub.Queue{Name: "five", MaxLength: new(5)}, pubsub.ErrPreconditionFailed,
			"inequivalent arg 'x-message-ttl' for queue 'five' in vhost '/': received none but current is the value '1000' of type 'signedint'"},
		{pubsub.Queue{Name: "five", MaxLength: new(6), MessageTTL: new(time.Second)}, pubsub.ErrPreconditionFailed,
			"inequivalent arg 'x-max-length' for queue 'five' in vhost '/': received '6' but current is '5'"},
		{pubsub.Queue{Name: "new", Arguments: pubsub.Table{"x-queue-mode": "foo"}}, pubsub.ErrPreconditionFailed,
			"invalid arg 'x-queue-mode' for queue 'new' in vhost '/': \"unsupported queue mode 'foo'\""},
		{pubsub.Queue{Name: "new", Arguments: pubsub.Table{"x-queue-type": "foo"}}, pubsub.ErrPreconditionFailed,
			"invalid arg 'x-queue-type' for queue 'new' in vhost '/': \"unsupported queue type 'foo'\""},
		{pubsub.Queue{Name: "new", Arguments: pubsub.Table{"x-queue-version": int32(3)}}, pubsub.ErrPreconditionFailed,
			"invalid arg 'x-queue-version' for queue 'new' in vhost '/': \"unsupported queue version '3'\""},
		{pubsub.Queue{Name: "new", Arguments: pubsub.Table{"x-delivery-limit": 3}}, pubsub.ErrPreconditionFailed,
			"invalid arg 'x-delivery-limit' for queue 'new' in vhost '/' of queue type rabbit_classic_queue"},
		{pubsub.Queue{Name: "q", Arguments: pubsub.Table{"x-queue-version": int8(2)}}, pubsub.ErrPreconditionFailed,
			"inequivalent arg 'x-queue-version' for queue 'q' in vhost '/': received the value '2' of type 'signedint' but current is none"},
		{pubsub.Queue{Name: "q", Exclusive: true}, pubsub.ErrResourceLocked,
			"cannot obtain exclusive access to locked queue 'q' in vhost '/'. It could be originally declared on another connection or the exclusive property value does not match that of the original declaration"},
		{pubsub.Queue{Arguments: pubsub.Table{"x-queue-mode": "foo"}}, pubsub.ErrPreconditionFailed,
			"invalid arg 'x-queue-mode' for queue 'amq.gen-"},
		{pubsub.Queue{Name: "new", Arguments: pubsub.Table{"x-queue-type": "quorum"}}, pubsub.ErrUnsupported, "quorum"},
		{pubsub.Queue{Name: "amq.new"}, pubsub.ErrAccessRefused, "queue name 'amq.new' contains reserved prefix 'amq.*'"},
		{pubsub.Queue{Name: generated.Name, Exclusive: true, AutoDelete: true}, pubsub.ErrAccessRefused, "contains reserved prefix 'amq.*'"},
	} {
		_, err := conn.DeclareQueue(ctx, c.queue)
		if !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("declare %+v: %v; want %s", c.queue, err, c.says)
		}
	}
	// For a queue that is there these don't count.
	for _, args := range []pubsub.Table{{"x-queue-type": "classic"}, {"x-delivery-limit": 3}} {
		if _, err := conn.DeclareQueue(ctx, pubsub.Queue{Name: "q", Arguments: args}); err != nil {
			t.Errorf("declare q again with %v: %v", args, err)
		}
	}
	if top, err := conn.Topology(ctx); err != nil || len(top.Queues) != 3 {
		t.Errorf("what was refused is there: %+v, %v", top.Queues, err)
	}
	same := pubsub.Queue{Name: "q", Arguments: pubsub.Table{"x-unknown": "counts for nothing"}}
	if _, err := conn.DeclareQueue(ctx, same); err != nil {
		t.Error(err)
	}
}
