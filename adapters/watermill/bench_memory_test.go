package watermill_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	wm "github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/gochannel"

	"github.com/gobindery/bindery/adapters/memory"
	"github.com/gobindery/bindery/adapters/watermill"
	"github.com/gobindery/bindery/pubsub"
)

// inFlight is how far a publisher is ahead of the slowest subscriber at most,
// who tells after each quarter of that.
const (
	inFlight = 4096
	quarter  = inFlight / 4
)

// fanout publishes one message at a time to several subscribers, who ack it.
func fanout(b *testing.B, p message.Publisher, s message.Subscriber, subscribers int) side {
	var channels []<-chan *message.Message
	for range subscribers {
		channels = append(channels, drained(b, s))
	}
	body := make([]byte, 256)
	return func(n int) {
		var taking sync.WaitGroup
		taken := make(chan struct{}, 8*subscribers) // nobody waits for room: none is more than inFlight ahead
		for _, c := range channels {
			taking.Go(func() {
				for i := range n {
					m := <-c
					m.Ack()
					if (i+1)%quarter == 0 {
						taken <- struct{}{}
					}
				}
			})
		}
		for i := range n {
			if i%quarter == 0 && i >= inFlight {
				for range subscribers {
					<-taken
				}
			}
			if err := p.Publish("topic", message.NewMessage("0001", body)); err != nil {
				b.Error(err)
				return
			}
		}
		taking.Wait()
	}
}

// One publisher, and 1, 10 or 100 subscribers, beside gochannel with a buffer. msg/s are deliveries.
func BenchmarkMemory(b *testing.B) {
	for _, subscribers := range []int{1, 10, 100} {
		b.Run(fmt.Sprint(subscribers), func(b *testing.B) {
			broker := pubsub.New(memory.NewServer().Connect(nil), nil)
			b.Cleanup(func() { broker.Close() })
			theirs := gochannel.NewGoChannel(gochannel.Config{OutputChannelBuffer: inFlight}, wm.NopLogger{})
			compare(b, 200_000/subscribers, subscribers,
				fanout(b, watermill.NewPublisher(broker, watermill.PublisherConfig{}), watermill.NewSubscriber(broker, watermill.SubscriberConfig{}), subscribers),
				fanout(b, theirs, theirs, subscribers))
		})
	}
}

// routed publishes to a Router whose handler does nothing, by 100 messages at a time.
func routed(b *testing.B, p message.Publisher, s message.Subscriber) side {
	handled := make(chan struct{}, inFlight)
	router, err := message.NewRouter(message.RouterConfig{}, wm.NopLogger{})
	if err != nil {
		b.Fatal(err)
	}
	router.AddConsumerHandler("handler", "topic", s, func(*message.Message) error {
		handled <- struct{}{}
		return nil
	})
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := router.Run(ctx); err != nil {
			b.Error(err)
		}
	})
	b.Cleanup(func() { stop(); running.Wait() })
	<-router.Running()
	send := publishes(b, p, 1, 100)
	return func(n int) {
		for range n / quarter {
			send(quarter / 100 * 100)
			for range quarter / 100 * 100 {
				<-handled
			}
		}
	}
}

// Through Watermill's Router, beside gochannel with a buffer.
func BenchmarkMemoryRouter(b *testing.B) {
	broker := pubsub.New(memory.NewServer().Connect(nil), nil)
	b.Cleanup(func() { broker.Close() })
	theirs := gochannel.NewGoChannel(gochannel.Config{OutputChannelBuffer: inFlight}, wm.NopLogger{})
	compare(b, 50*quarter, 1,
		routed(b, watermill.NewPublisher(broker, watermill.PublisherConfig{}), watermill.NewSubscriber(broker, watermill.SubscriberConfig{})),
		routed(b, theirs, theirs))
}
