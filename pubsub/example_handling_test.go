package pubsub_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/gobindery/bindery/adapters/memory"
	"github.com/gobindery/bindery/pubsub"
)

// A pool of workers tries again after pauses, and parks what can't be done.
func ExampleRetry() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	b := pubsub.New(memory.NewServer().Connect(nil), nil)
	defer b.Close()
	_, err := b.DeclareQueue(ctx, pubsub.Queue{Name: "orders"})
	c, err2 := b.Consume(ctx, "orders", nil)
	if err := errors.Join(err, err2,
		b.Publish(ctx, "", "orders", pubsub.Message{Body: []byte("anvil for nobody")}),
		b.Publish(ctx, "", "orders", pubsub.Message{Body: []byte("anvil for kim")}),
	); err != nil {
		log.Fatal(err)
	}
	o := &pubsub.HandleOptions{
		Concurrency: 4,
		Retry:       &pubsub.Retry{Delays: []time.Duration{10 * time.Millisecond, 50 * time.Millisecond}},
	}
	sent := make(chan string, 1)
	done := make(chan error)
	go func() {
		done <- c.Handle(ctx, o, func(_ context.Context, d pubsub.Delivery) error {
			switch {
			case string(d.Body) == "anvil for nobody":
				return fmt.Errorf("no address: %w", pubsub.ErrPark) // no use to try again
			case d.Attempt() < 3:
				return errors.New("the carrier is busy")
			}
			sent <- fmt.Sprintf("%s, sent in attempt %d", d.Body, d.Attempt())
			return nil
		})
	}()
	fmt.Println(<-sent)
	if err := b.Shutdown(ctx); err != nil { // waits for the handlers
		log.Fatal(err)
	}
	fmt.Println("ended with", <-done)
	// Output:
	// anvil for kim, sent in attempt 3
	// ended with <nil>
}

// Several workers, but the messages of one customer one after another. What
// fails is tried again before the customer's next one.
func ExampleHandleOptions() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	b := pubsub.New(memory.NewServer().Connect(nil), nil)
	defer b.Close()
	_, err := b.DeclareQueue(ctx, pubsub.Queue{Name: "orders"})
	c, err2 := b.Consume(ctx, "orders", nil)
	if err := errors.Join(err, err2); err != nil {
		log.Fatal(err)
	}
	for _, order := range []string{"kim: anvil", "lou: rope", "kim: rocket", "lou: glue", "kim: skates"} {
		if err := b.Publish(ctx, "", "orders", pubsub.Message{Body: []byte(order)}); err != nil {
			log.Fatal(err)
		}
	}
	o := &pubsub.HandleOptions{
		Concurrency: 4,
		Key:         func(d pubsub.Delivery) string { return string(d.Body[:3]) },
		Retry:       &pubsub.Retry{Delays: []time.Duration{10 * time.Millisecond}},
	}
	handled := map[string]chan string{"kim": make(chan string, 9), "lou": make(chan string, 9)}
	go c.Handle(ctx, o, func(_ context.Context, d pubsub.Delivery) error {
		if string(d.Body) == "kim: rocket" && d.Attempt() == 1 {
			return errors.New("out of rockets")
		}
		handled[string(d.Body[:3])] <- string(d.Body)
		return nil
	})
	for _, customer := range []string{"kim", "kim", "kim", "lou", "lou"} {
		fmt.Println(<-handled[customer])
	}
	if err := b.Shutdown(ctx); err != nil { // waits for Handle
		log.Fatal(err)
	}
	// Output:
	// kim: anvil
	// kim: rocket
	// kim: skates
	// lou: rope
	// lou: glue
}

// Requests and replies: the server answers with a message or an error, and the
// caller waits as long as its context.
func ExampleCaller() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	b := pubsub.New(memory.NewServer().Connect(nil), nil)
	defer b.Close()
	if _, err := b.DeclareQueue(ctx, pubsub.Queue{Name: "stock"}); err != nil {
		log.Fatal(err)
	}
	go b.Serve(ctx, "stock", &pubsub.ServeOptions{Concurrency: 4}, func(_ context.Context, d pubsub.Delivery) (pubsub.Message, error) {
		if string(d.Body) != "anvils" {
			return pubsub.Message{}, &pubsub.CallError{Code: "not-found", Text: fmt.Sprintf("we have no %s", d.Body)}
		}
		return pubsub.Message{Body: []byte("3")}, nil
	})

	caller, err := b.NewCaller(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer caller.Close()
	for _, what := range []string{"anvils", "rockets"} {
		reply, err := caller.Call(ctx, "", "stock", pubsub.Message{Body: []byte(what)})
		if e, ok := errors.AsType[*pubsub.CallError](err); ok {
			fmt.Println(e.Code, "-", e.Text)
			continue
		}
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s: %s\n", what, reply.Body)
	}
	_, err = caller.Call(ctx, "", "nobody-serves-this", pubsub.Message{})
	fmt.Println(errors.Is(err, pubsub.ErrUnroutable))
	// Output:
	// anvils: 3
	// not-found - we have no rockets
	// true
}
