package pubsub_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/gobindery/bindery/adapters/memory"
	"github.com/gobindery/bindery/pubsub"
)

// Publish/subscribe: a fanout exchange gives each receiver's temporary queue a
// copy of each message.
func Example() {
	ctx := context.Background()
	b := pubsub.New(memory.NewServer().Connect(nil), nil)
	defer b.Close()

	if err := b.DeclareExchange(ctx, pubsub.Exchange{Name: "logs", Kind: pubsub.Fanout}); err != nil {
		log.Fatal(err)
	}
	queue, err := b.DeclareQueue(ctx, pubsub.TempQueue())
	if err != nil {
		log.Fatal(err)
	}
	if err := b.Bind(ctx, pubsub.Binding{Exchange: "logs", Queue: queue}); err != nil {
		log.Fatal(err)
	}
	c, err := b.Consume(ctx, queue, nil)
	if err != nil {
		log.Fatal(err)
	}
	if err := b.Publish(ctx, "logs", "", pubsub.Message{Body: []byte("info: Hello World!")}); err != nil {
		log.Fatal(err)
	}
	for d, err := range c.All(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s\n", d.Body)
		if err := d.Ack(ctx); err != nil {
			log.Fatal(err)
		}
		break
	}
	// Output: info: Hello World!
}

// A work queue: workers share a durable queue. With a prefetch of one, a
// worker gets its next task when it has acknowledged the one before.
func Example_workQueue() {
	ctx := context.Background()
	b := pubsub.New(memory.NewServer().Connect(nil), nil)
	defer b.Close()

	if _, err := b.DeclareQueue(ctx, pubsub.Queue{Name: "tasks", Durable: true}); err != nil {
		log.Fatal(err)
	}
	for _, task := range []string{"paint", "varnish", "polish"} {
		m := pubsub.Message{Body: []byte(task), DeliveryMode: pubsub.Persistent}
		if err := b.Publish(ctx, "", "tasks", m); err != nil { // the default exchange
			log.Fatal(err)
		}
	}
	first, err := b.Consume(ctx, "tasks", &pubsub.ConsumeOptions{Prefetch: 1})
	if err != nil {
		log.Fatal(err)
	}
	second, err := b.Consume(ctx, "tasks", &pubsub.ConsumeOptions{Prefetch: 1})
	if err != nil {
		log.Fatal(err)
	}
	slow, _ := first.Receive(ctx)
	fmt.Printf("the first worker begins to %s\n", slow.Body)
	for range 2 {
		d, err := second.Receive(ctx)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("the second worker does %s\n", d.Body)
		if err := d.Ack(ctx); err != nil {
			log.Fatal(err)
		}
	}
	// Output:
	// the first worker begins to paint
	// the second worker does varnish
	// the second worker does polish
}

// Routing: a direct exchange sends a message where a binding has its key.
func Example_routing() {
	ctx := context.Background()
	b := pubsub.New(memory.NewServer().Connect(nil), nil)
	defer b.Close()

	if err := b.DeclareExchange(ctx, pubsub.Exchange{Name: "direct_logs", Kind: pubsub.Direct}); err != nil {
		log.Fatal(err)
	}
	for queue, keys := range map[string][]string{"disk": {"error"}, "screen": {"info", "warning", "error"}} {
		if _, err := b.DeclareQueue(ctx, pubsub.Queue{Name: queue}); err != nil {
			log.Fatal(err)
		}
		for _, key := range keys {
			if err := b.Bind(ctx, pubsub.Binding{Exchange: "direct_logs", Queue: queue, Key: key}); err != nil {
				log.Fatal(err)
			}
		}
	}
	for _, severity := range []string{"info", "error"} {
		if err := b.Publish(ctx, "direct_logs", severity, pubsub.Message{}); err != nil {
			log.Fatal(err)
		}
	}
	disk, _ := b.InspectQueue(ctx, "disk")
	screen, _ := b.InspectQueue(ctx, "screen")
	fmt.Println("on disk:", disk.Ready, "on screen:", screen.Ready)
	// Output: on disk: 1 on screen: 2
}

// Topics: keys are words with dots between them; a star in a pattern stands
// for one word, a hash for any number.
func Example_topics() {
	ctx := context.Background()
	b := pubsub.New(memory.NewServer().Connect(nil), nil)
	defer b.Close()

	queue, err := b.DeclareQueue(ctx, pubsub.TempQueue())
	if err != nil {
		log.Fatal(err)
	}
	err = errors.Join(
		b.DeclareExchange(ctx, pubsub.Exchange{Name: "topic_logs", Kind: pubsub.Topic}),
		b.Bind(ctx, pubsub.Binding{Exchange: "topic_logs", Queue: queue, Key: "kern.*"}),
		b.Bind(ctx, pubsub.Binding{Exchange: "topic_logs", Queue: queue, Key: "#.critical"}),
	)
	if err != nil {
		log.Fatal(err)
	}
	for _, key := range []string{"kern.critical", "kern.info", "cron.info", "auth.login.critical"} {
		if err := b.Publish(ctx, "topic_logs", key, pubsub.Message{}); err != nil {
			log.Fatal(err)
		}
	}
	for {
		d, ok, err := b.Get(ctx, queue, &pubsub.GetOptions{AutoAck: true})
		if err != nil || !ok {
			break
		}
		fmt.Println(d.RoutingKey)
	}
	// Output:
	// kern.critical
	// kern.info
	// auth.login.critical
}

// Headers: a headers exchange compares the message's headers with the
// binding's arguments.
func Example_headers() {
	ctx := context.Background()
	b := pubsub.New(memory.NewServer().Connect(nil), nil)
	defer b.Close()

	queue, err := b.DeclareQueue(ctx, pubsub.TempQueue())
	if err != nil {
		log.Fatal(err)
	}
	err = errors.Join(
		b.DeclareExchange(ctx, pubsub.Exchange{Name: "reports", Kind: pubsub.Headers}),
		b.Bind(ctx, pubsub.Binding{Exchange: "reports", Queue: queue, Arguments: pubsub.Table{
			"x-match": "all", "format": "pdf", "pages": 2,
		}}),
	)
	if err != nil {
		log.Fatal(err)
	}
	for _, headers := range []pubsub.Table{
		{"format": "pdf", "pages": 2, "author": "kim"},
		{"format": "pdf", "pages": 3},
		{"format": "pdf"},
	} {
		err := b.Publish(ctx, "reports", "", pubsub.Message{Headers: headers}, pubsub.Mandatory)
		fmt.Println(headers, errors.Is(err, pubsub.ErrUnroutable))
	}
	// Output:
	// map[author:kim format:pdf pages:2] false
	// map[format:pdf pages:3] true
	// map[format:pdf] true
}

// A mandatory message that matches no queue is an error; others are dropped.
func ExampleMandatory() {
	ctx := context.Background()
	b := pubsub.New(memory.NewServer().Connect(nil), nil)
	defer b.Close()

	m := pubsub.Message{Body: []byte("is anybody there?")}
	fmt.Println(b.Publish(ctx, "amq.direct", "nobody", m))
	err := b.Publish(ctx, "amq.direct", "nobody", m, pubsub.Mandatory)
	fmt.Println(errors.Is(err, pubsub.ErrUnroutable))
	fmt.Println(err)
	// Output:
	// <nil>
	// true
	// publish to exchange "amq.direct": with key "nobody": unroutable: NO_ROUTE: no queue matches; bind a queue that matches, or publish without Mandatory
}

// An alternate exchange gets what another one can't route.
func Example_alternateExchange() {
	ctx := context.Background()
	b := pubsub.New(memory.NewServer().Connect(nil), nil)
	defer b.Close()

	_, err := b.DeclareQueue(ctx, pubsub.Queue{Name: "unrouted"})
	err = errors.Join(err,
		b.DeclareExchange(ctx, pubsub.Exchange{Name: "orders", Kind: pubsub.Direct, Alternate: "strays"}),
		b.DeclareExchange(ctx, pubsub.Exchange{Name: "strays", Kind: pubsub.Fanout}),
		b.Bind(ctx, pubsub.Binding{Exchange: "strays", Queue: "unrouted"}),
		b.Publish(ctx, "orders", "no.such.shop", pubsub.Message{Body: []byte("one anvil")}, pubsub.Mandatory),
	)
	if err != nil {
		log.Fatal(err)
	}
	d, _, _ := b.Get(ctx, "unrouted", &pubsub.GetOptions{AutoAck: true})
	fmt.Printf("%s, for %s by way of %s\n", d.Body, d.RoutingKey, d.Exchange)
	// Output: one anvil, for no.such.shop by way of orders
}

// Exchanges can be bound to exchanges: here all logs go to the archive, and
// those of the kernel also to whoever watches it.
func Example_exchangeToExchange() {
	ctx := context.Background()
	b := pubsub.New(memory.NewServer().Connect(nil), nil)
	defer b.Close()

	archive, err := b.DeclareQueue(ctx, pubsub.TempQueue())
	watch, err2 := b.DeclareQueue(ctx, pubsub.TempQueue())
	err = errors.Join(err, err2,
		b.DeclareExchange(ctx, pubsub.Exchange{Name: "all", Kind: pubsub.Fanout}),
		b.DeclareExchange(ctx, pubsub.Exchange{Name: "by-topic", Kind: pubsub.Topic, Internal: true}),
		b.Bind(ctx, pubsub.Binding{Exchange: "all", Queue: archive}),
		b.Bind(ctx, pubsub.Binding{Exchange: "all", ToExchange: "by-topic"}),
		b.Bind(ctx, pubsub.Binding{Exchange: "by-topic", Queue: watch, Key: "kern.#"}),
		b.Publish(ctx, "all", "kern.info", pubsub.Message{}),
		b.Publish(ctx, "all", "cron.info", pubsub.Message{}),
	)
	if err != nil {
		log.Fatal(err)
	}
	archived, _ := b.InspectQueue(ctx, archive)
	watched, _ := b.InspectQueue(ctx, watch)
	fmt.Println("archived:", archived.Ready, "watched:", watched.Ready)
	// Output: archived: 2 watched: 1
}

// A queue's dead letters, what was rejected, expired or dropped from it, go to
// an exchange, and tell their history.
func ExampleDeadLetter() {
	ctx := context.Background()
	b := pubsub.New(memory.NewServer().Connect(nil), nil)
	defer b.Close()

	graveyard := "failed" // by way of the default exchange
	_, err := b.DeclareQueue(ctx, pubsub.Queue{Name: "work", DeadLetter: &pubsub.DeadLetter{RoutingKey: &graveyard}})
	_, err2 := b.DeclareQueue(ctx, pubsub.Queue{Name: "failed"})
	err = errors.Join(err, err2, b.Publish(ctx, "", "work", pubsub.Message{Body: []byte("broken")}))
	if err != nil {
		log.Fatal(err)
	}
	d, _, err := b.Get(ctx, "work", nil)
	if err != nil {
		log.Fatal(err)
	}
	if err := d.Reject(ctx); err != nil {
		log.Fatal(err)
	}
	dead, _, err := b.Get(ctx, "failed", &pubsub.GetOptions{AutoAck: true})
	if err != nil {
		log.Fatal(err)
	}
	death := dead.Headers["x-death"].([]any)[0].(pubsub.Table)
	fmt.Printf("%s: %s in queue %s, %d time\n", dead.Body, death["reason"], death["queue"], death["count"])
	// Output: broken: rejected in queue work, 1 time
}

// A delayed retry: messages wait in a queue without consumers until their time
// to live ends, and are dead-lettered to the queue where they are wanted.
func Example_timeToLive() {
	ctx := context.Background()
	b := pubsub.New(memory.NewServer().Connect(nil), nil)
	defer b.Close()

	delay, target := 20*time.Millisecond, "work"
	_, err := b.DeclareQueue(ctx, pubsub.Queue{Name: "work"})
	_, err2 := b.DeclareQueue(ctx, pubsub.Queue{
		Name:       "later",
		MessageTTL: &delay,
		DeadLetter: &pubsub.DeadLetter{RoutingKey: &target},
	})
	c, err3 := b.Consume(ctx, "work", nil)
	if err := errors.Join(err, err2, err3); err != nil {
		log.Fatal(err)
	}
	start := time.Now()
	if err := b.Publish(ctx, "", "later", pubsub.Message{Body: []byte("try again")}); err != nil {
		log.Fatal(err)
	}
	d, err := c.Receive(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s, after its time: %t\n", d.Body, time.Since(start) >= delay)
	// Output: try again, after its time: true
}

// A queue with a MaxPriority serves messages of higher priority first.
func Example_priority() {
	ctx := context.Background()
	b := pubsub.New(memory.NewServer().Connect(nil), nil)
	defer b.Close()

	if _, err := b.DeclareQueue(ctx, pubsub.Queue{Name: "tasks", MaxPriority: 5}); err != nil {
		log.Fatal(err)
	}
	for body, priority := range map[string]uint8{"whenever": 0, "soon": 2, "now": 5} {
		if err := b.Publish(ctx, "", "tasks", pubsub.Message{Body: []byte(body), Priority: priority}); err != nil {
			log.Fatal(err)
		}
	}
	c, err := b.Consume(ctx, "tasks", nil)
	if err != nil {
		log.Fatal(err)
	}
	for range 3 {
		d, err := c.Receive(ctx)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s\n", d.Body)
	}
	// Output:
	// now
	// soon
	// whenever
}

// Request and reply: the client names the queue for the reply, and knows the
// reply by its correlation id.
func Example_requestReply() {
	ctx := context.Background()
	server := memory.NewServer()
	b := pubsub.New(server.Connect(nil), nil)
	defer b.Close()

	if _, err := b.DeclareQueue(ctx, pubsub.Queue{Name: "double"}); err != nil {
		log.Fatal(err)
	}
	requests, err := b.Consume(ctx, "double", nil)
	if err != nil {
		log.Fatal(err)
	}
	go requests.Handle(ctx, nil, func(ctx context.Context, d pubsub.Delivery) error {
		reply := pubsub.Message{Body: bytes.Repeat(d.Body, 2), CorrelationID: d.CorrelationID}
		return b.Publish(ctx, "", d.ReplyTo, reply)
	})

	client := pubsub.New(server.Connect(nil), nil)
	defer client.Close()
	queue, err := client.DeclareQueue(ctx, pubsub.TempQueue())
	if err != nil {
		log.Fatal(err)
	}
	replies, err := client.Consume(ctx, queue, &pubsub.ConsumeOptions{AutoAck: true})
	if err != nil {
		log.Fatal(err)
	}
	request := pubsub.Message{Body: []byte("ho"), ReplyTo: queue, CorrelationID: "request 1"}
	if err := client.Publish(ctx, "", "double", request, pubsub.Mandatory); err != nil {
		log.Fatal(err)
	}
	d, err := replies.Receive(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s: %s\n", d.CorrelationID, d.Body)
	// Output: request 1: hoho
}

// Many publishes are in flight at once; each tells its outcome.
func ExampleBroker_PublishAsync() {
	ctx := context.Background()
	b := pubsub.New(memory.NewServer().Connect(nil), &pubsub.Options{MaxInFlight: 256})
	defer b.Close()

	var confirmations []pubsub.Confirmation
	for i := range 1000 {
		m := pubsub.Message{Body: fmt.Append(nil, i)}
		confirmations = append(confirmations, b.PublishAsync(ctx, "amq.fanout", "", m))
	}
	for i, c := range confirmations {
		if err := c.Wait(ctx); err != nil {
			log.Fatalf("message %d: %v", i, err)
		}
	}
	fmt.Println(len(confirmations), "confirmed")
	// Output: 1000 confirmed
}

// Handle runs a function for each message and settles by its outcome; Shutdown
// waits for those that run.
func ExampleConsumer_Handle() {
	ctx := context.Background()
	b := pubsub.New(memory.NewServer().Connect(nil), nil)
	if _, err := b.DeclareQueue(ctx, pubsub.Queue{Name: "mail"}); err != nil {
		log.Fatal(err)
	}
	c, err := b.Consume(ctx, "mail", nil)
	if err != nil {
		log.Fatal(err)
	}
	for _, body := range []string{"to kim", "to nobody", "to sam"} {
		if err := b.Publish(ctx, "", "mail", pubsub.Message{Body: []byte(body)}); err != nil {
			log.Fatal(err)
		}
	}

	last := make(chan struct{})
	done := make(chan error)
	go func() {
		done <- c.Handle(ctx, &pubsub.HandleOptions{Concurrency: 1}, func(_ context.Context, d pubsub.Delivery) error {
			switch string(d.Body) {
			case "to nobody":
				return fmt.Errorf("no address: %w", pubsub.ErrReject) // else it would come again
			case "to sam":
				close(last)
			}
			fmt.Printf("sent %s\n", d.Body)
			return nil
		})
	}()
	<-last // or a signal
	if err := b.Shutdown(ctx); err != nil {
		log.Fatal(err)
	}
	fmt.Println("ended with", <-done)
	// Output:
	// sent to kim
	// sent to sam
	// ended with <nil>
}

// A Mux opens the backend that a URL names.
func ExampleMux() {
	mux := pubsub.Mux{"memory": memory.NewServer().Scheme()} // and "amqp": rabbitmq.Scheme(), …
	b, err := mux.Open(context.Background(), "memory:", nil)
	if err != nil {
		log.Fatal(err)
	}
	defer b.Close()

	_, err = mux.Open(context.Background(), "mqtt://localhost", nil)
	fmt.Println(err)
	// Output: open broker "mqtt://localhost": invalid argument: unknown scheme "mqtt"; use one of memory:
}
