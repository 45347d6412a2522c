package watermill_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/tests"

	"github.com/gobindery/bindery/adapters/memory"
	"github.com/gobindery/bindery/adapters/nats"
	"github.com/gobindery/bindery/adapters/nats/natstest"
	"github.com/gobindery/bindery/adapters/rabbitmq"
	"github.com/gobindery/bindery/adapters/rabbitmq/rabbitmqtest"
	"github.com/gobindery/bindery/adapters/watermill"
	"github.com/gobindery/bindery/pubsub"
)

// fullVariable runs the suite with all its messages: "make watermill".
const fullVariable = "BINDERY_WATERMILL"

// backend opens connections to one server.
type backend struct {
	open    func(ctx context.Context) (pubsub.Adapter, error)
	restart func(ctx context.Context) error // nil: there is nothing to restart
}

var backends = map[string]func(*testing.T) backend{
	"memory": func(*testing.T) backend {
		s := memory.NewServer()
		return backend{open: func(context.Context) (pubsub.Adapter, error) { return s.Connect(nil), nil }}
	},
	"rabbitmq": func(t *testing.T) backend {
		n := rabbitmqtest.Run(t, &rabbitmqtest.Options{WithoutManagement: true})
		return backend{
			open:    func(ctx context.Context) (pubsub.Adapter, error) { return rabbitmq.Open(ctx, n.URL(), nil) },
			restart: n.Restart,
		}
	},
	"nats": func(t *testing.T) backend {
		s := natstest.RunServer(t)
		return backend{
			open:    func(ctx context.Context) (pubsub.Adapter, error) { return nats.Open(ctx, s.URL(), nil) },
			restart: s.Restart,
		}
	},
}

// pair is the two connections that all publishers and all subscribers of a
// suite share.
type pair struct {
	publishers, subscribers *pubsub.Broker
}

func (be backend) connect(t *testing.T) pair {
	t.Helper()
	open := func() *pubsub.Broker {
		a, err := be.open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		b := pubsub.New(a, nil)
		t.Cleanup(func() { b.Close() })
		return b
	}
	return pair{open(), open()}
}

// constructors are what the suite asks for. Strictly ordered subscribers keep
// the order also across nacks.
func (p pair) constructors(strict bool) (tests.PubSubConstructor, tests.ConsumerGroupPubSubConstructor) {
	grouped := func(_ *testing.T, group string) (message.Publisher, message.Subscriber) {
		c := watermill.SubscriberConfig{
			Mapping:      watermill.Mapping{Group: group},
			StrictOrder:  strict,
			CloseTimeout: 100 * time.Millisecond, // the suite leaves messages without an answer
		}
		if strict {
			c.Nack = watermill.NackAgain
		}
		return watermill.NewPublisher(p.publishers, watermill.PublisherConfig{}), watermill.NewSubscriber(p.subscribers, c)
	}
	return func(t *testing.T) (message.Publisher, message.Subscriber) { return grouped(t, "test") }, grouped
}

// features are the same everywhere: at least once; in order for one strict
// subscriber of a queue; a queue's messages don't go with their subscriber; but
// an exchange keeps nothing for queues to come.
func features(strict bool) tests.Features {
	return tests.Features{
		ConsumerGroups:                      true,
		ExactlyOnceDelivery:                 false,
		GuaranteedOrder:                     strict,
		GuaranteedOrderWithSingleSubscriber: strict,
		Persistent:                          true,
		RequireSingleInstance:               false,
		NewSubscriberReceivesOldMessages:    false,
		ForceShort:                          os.Getenv(fullVariable) == "",
	}
}

// Watermill's own suite, in its short form.
func TestSuite(t *testing.T) {
	eachSuite(t, func(t *testing.T, _ backend, p pair, strict bool) {
		pubSub, grouped := p.constructors(strict)
		tests.TestPubSub(t, features(strict), pubSub, grouped)
	})
}

func eachSuite(t *testing.T, run func(t *testing.T, be backend, p pair, strict bool)) {
	for name, start := range backends {
		t.Run(name, func(t *testing.T) {
			be := start(t)
			for mode, strict := range map[string]bool{"strict": true, "many in flight": false} {
				t.Run(mode, func(t *testing.T) { run(t, be, be.connect(t), strict) })
			}
		})
	}
}

// The whole suite several times at once.
func TestStress(t *testing.T) {
	eachSuite(t, func(t *testing.T, _ backend, p pair, strict bool) {
		pubSub, grouped := p.constructors(strict)
		tests.TestPubSubStressTest(t, features(strict), pubSub, grouped)
	})
}
