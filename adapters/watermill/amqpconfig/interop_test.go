package amqpconfig_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	watermilllog "github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill-amqp/v3/pkg/amqp"
	"github.com/ThreeDotsLabs/watermill/message"
	amqp091 "github.com/rabbitmq/amqp091-go"
	"go.uber.org/goleak"

	"github.com/gobindery/bindery/adapters/amqpserver/amqptest"
	"github.com/gobindery/bindery/adapters/memory"
	"github.com/gobindery/bindery/adapters/rabbitmq"
	"github.com/gobindery/bindery/adapters/rabbitmq/rabbitmqtest"
	"github.com/gobindery/bindery/adapters/watermill/amqpconfig"
	"github.com/gobindery/bindery/pubsub"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(rabbitmqtest.Main(m)) }

// patience is for what comes for sure, on a machine of any speed.
const patience = time.Minute

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// configs are those that watermill-amqp has constructors for.
var configs = map[string]func(url string) amqp.Config{
	"NewDurablePubSubConfig": func(url string) amqp.Config {
		return amqp.NewDurablePubSubConfig(url, amqp.GenerateQueueNameTopicNameWithSuffix("group"))
	},
	"NewNonDurablePubSubConfig": func(url string) amqp.Config {
		return amqp.NewNonDurablePubSubConfig(url, amqp.GenerateQueueNameTopicNameWithSuffix("group"))
	},
	"NewDurableQueueConfig":    amqp.NewDurableQueueConfig,
	"NewNonDurableQueueConfig": amqp.NewNonDurableQueueConfig,
	"NewDurableTopicConfig": func(url string) amqp.Config {
		return amqp.NewDurableTopicConfig(url, "events", "all")
	},
	"NewNonDurableTopicConfig": func(url string) amqp.Config {
		return amqp.NewNonDurableTopicConfig(url, "events", "all")
	},
	"CorrelatingMarshaler": func(url string) amqp.Config {
		c := amqp.NewDurableQueueConfig(url)
		c.Marshaler = amqp.CorrelatingMarshaler{}
		return c
	},
	"headers, queue arguments": func(url string) amqp.Config {
		c := amqp.NewDurablePubSubConfig(url, amqp.GenerateQueueNameTopicName)
		c.Exchange.Type = "headers"
		c.QueueBind.Arguments = amqp091.Table{"x-match": "all", "name": "Jürgen"}
		c.Queue.Arguments = amqp091.Table{"x-max-length": int32(10), "x-message-ttl": int64(600_000)}
		return c
	},
}

// servers are where both meet.
var servers = map[string]func(t *testing.T) (url string){
	"RabbitMQ":        func(t *testing.T) string { return rabbitmqtest.Shared(t).VHost(t) },
	"our AMQP server": func(t *testing.T) string { return amqptest.NewServer(t).URL() },
}

type makers struct {
	publisher  func(t *testing.T, c amqp.Config) message.Publisher
	subscriber func(t *testing.T, c amqp.Config) message.Subscriber
}

var theirs = makers{
	publisher: func(t *testing.T, c amqp.Config) message.Publisher {
		p, err := amqp.NewPublisher(c, watermilllog.NopLogger{})
		check(t, err)
		return p
	},
	subscriber: func(t *testing.T, c amqp.Config) message.Subscriber {
		s, err := amqp.NewSubscriber(c, watermilllog.NopLogger{})
		check(t, err)
		return s
	},
}

var ours = makers{
	publisher: func(t *testing.T, c amqp.Config) message.Publisher {
		from, err := amqpconfig.FromAMQPConfig(c)
		check(t, err)
		p, err := from.NewPublisher(open(t, c.Connection.AmqpURI))
		check(t, err)
		return p
	},
	subscriber: func(t *testing.T, c amqp.Config) message.Subscriber {
		from, err := amqpconfig.FromAMQPConfig(c)
		check(t, err)
		s, err := from.NewSubscriber(open(t, c.Connection.AmqpURI))
		check(t, err)
		return s
	},
}

func open(t *testing.T, url string) *pubsub.Broker {
	a, err := rabbitmq.Open(t.Context(), url, nil)
	check(t, err)
	b := pubsub.New(a, nil)
	t.Cleanup(func() { b.Close() })
	return b
}

// Both declare the same, so that each subscriber may find what the other's
// publisher has declared, and understand its messages.
func TestInterop(t *testing.T) {
	for server, start := range servers {
		for name, config := range configs {
			for way, two := range map[string][2]makers{"to ours": {theirs, ours}, "to theirs": {ours, theirs}, "ours alone": {ours, ours}} {
				t.Run(strings.Join([]string{server, name, way}, "/"), func(t *testing.T) {
					interop(t, config(start(t)), two[0], two[1])
				})
			}
		}
	}
}

func interop(t *testing.T, c amqp.Config, from, to makers) {
	// The other side declares first: what comes then must find it equal.
	first := from.subscriber(t, c)
	check(t, first.(message.SubscribeInitializer).SubscribeInitialize("orders"))
	check(t, first.Close())
	sub := to.subscriber(t, c)
	messages, err := sub.Subscribe(context.Background(), "orders")
	check(t, err)
	pub := from.publisher(t, c)

	want := map[string]*message.Message{}
	for i := range 5 {
		m := message.NewMessage(watermilllog.NewUUID(), []byte(fmt.Sprint("body ", i)))
		m.Metadata.Set("name", "Jürgen")
		m.Metadata.Set("number", fmt.Sprint(i))
		want[m.UUID] = m
		check(t, pub.Publish("orders", m))
	}
	for i := 0; len(want) > 0; i++ {
		select {
		case m := <-messages:
			if i == 0 {
				m.Nack() // it comes again, and says so
				continue
			}
			if i == 1 && !amqp.IsMessageRedelivered(m) {
				t.Error("the message that was nacked doesn't say that it comes again")
			}
			delete(m.Metadata, amqp.MetadataRedeliveredKey)
			if w := want[m.UUID]; w == nil || !m.Equals(w) {
				t.Fatalf("got %s %q %v, want one of %v", m.UUID, m.Payload, m.Metadata, want)
			}
			delete(want, m.UUID)
			m.Ack()
		case <-time.After(patience):
			t.Fatalf("%d messages didn't come", len(want))
		}
	}
	check(t, pub.Close())
	check(t, sub.Close())
}

type customBuilder struct{ amqp.DefaultTopologyBuilder }

func TestRefused(t *testing.T) {
	for name, change := range map[string]func(*amqp.Config){
		"TopologyBuilder of type *amqpconfig_test.customBuilder": func(c *amqp.Config) { c.TopologyBuilder = &customBuilder{} },
		"Publish.Transactional":                                  func(c *amqp.Config) { c.Publish.Transactional = true },
		"Publish.Immediate":                                      func(c *amqp.Config) { c.Publish.Immediate = true },
		"Consume.Qos.PrefetchSize":                               func(c *amqp.Config) { c.Consume.Qos.PrefetchSize = 1 },
		`Exchange.Type "x-delayed-message"`:                      func(c *amqp.Config) { c.Exchange.Type = "x-delayed-message" },
		`Queue.Arguments["x-single-active-consumer"] of false`:   func(c *amqp.Config) { c.Queue.Arguments = amqp091.Table{"x-single-active-consumer": false} },
		`Queue.Arguments["x-max-priority"] of 0`:                 func(c *amqp.Config) { c.Queue.Arguments = amqp091.Table{"x-max-priority": 0} },
		"Consume.Arguments":                                      func(c *amqp.Config) { c.Consume.Arguments = amqp091.Table{"x-priority": 1} },
	} {
		c := amqp.NewDurableQueueConfig("")
		change(&c)
		if _, err := amqpconfig.FromAMQPConfig(c); !errors.Is(err, pubsub.ErrUnsupported) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: the error is %v", name, err)
		}
	}
	for name, change := range map[string]func(*amqp.Config){
		"Marshaler":             func(c *amqp.Config) { c.Marshaler = nil },
		"Exchange.GenerateName": func(c *amqp.Config) { c.Exchange.GenerateName = nil },
	} {
		c := amqp.NewDurableQueueConfig("")
		change(&c)
		if _, err := amqpconfig.FromAMQPConfig(c); !errors.Is(err, pubsub.ErrInvalid) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: the error is %v", name, err)
		}
	}
	c := amqp.NewDurablePubSubConfig("", nil)
	c.Publish.GenerateRoutingKey = nil
	from, err := amqpconfig.FromAMQPConfig(c)
	check(t, err)
	if _, err := from.NewSubscriber(nil); !errors.Is(err, pubsub.ErrInvalid) {
		t.Errorf("a subscriber without names of queues: %v", err)
	}
	if _, err := from.NewPublisher(nil); !errors.Is(err, pubsub.ErrInvalid) {
		t.Errorf("a publisher without keys: %v", err)
	}
}

// all is a marshaler that uses every property.
type all struct{ got chan amqp091.Delivery }

var everything = amqp091.Publishing{
	Headers: amqp091.Table{
		"table": amqp091.Table{"list": []any{int32(1), "two"}}, "decimal": amqp091.Decimal{Scale: 2, Value: 314},
		"bytes": []byte("b"), "int8": int8(-1), "time": time.Unix(7, 0).UTC(), "none": nil,
	},
	ContentType: "text/plain", ContentEncoding: "gzip", DeliveryMode: 2, Priority: 3, CorrelationId: "c", ReplyTo: "r",
	Expiration: "600000", MessageId: "m", Timestamp: time.Unix(8, 0).UTC(), Type: "t", UserId: "guest", AppId: "a", Body: []byte("body"),
}

func (all) Marshal(*message.Message) (amqp091.Publishing, error) { return everything, nil }

func (c all) Unmarshal(d amqp091.Delivery) (*message.Message, error) {
	c.got <- d
	return message.NewMessage(d.MessageId, d.Body), nil
}

func TestCustomMarshaler(t *testing.T) {
	b := pubsub.New(memory.NewServer().Connect(nil), nil)
	t.Cleanup(func() { b.Close() })
	c := amqp.NewDurableQueueConfig("")
	m := all{make(chan amqp091.Delivery, 1)}
	c.Marshaler = m
	from, err := amqpconfig.FromAMQPConfig(c)
	check(t, err)
	pub, err := from.NewPublisher(b)
	check(t, err)
	sub, err := from.NewSubscriber(b)
	check(t, err)
	messages, err := sub.Subscribe(t.Context(), "q")
	check(t, err)
	check(t, pub.Publish("q", message.NewMessage("", nil)))
	(<-messages).Ack()
	check(t, sub.Close())

	d, e := <-m.got, everything
	got := amqp091.Publishing{
		Headers: d.Headers, ContentType: d.ContentType, ContentEncoding: d.ContentEncoding, DeliveryMode: d.DeliveryMode,
		Priority: d.Priority, CorrelationId: d.CorrelationId, ReplyTo: d.ReplyTo, Expiration: d.Expiration, MessageId: d.MessageId,
		Timestamp: d.Timestamp, Type: d.Type, UserId: d.UserId, AppId: d.AppId, Body: d.Body,
	}
	if !reflect.DeepEqual(got, e) || d.RoutingKey != "q" {
		t.Errorf("got  %+v\nwant %+v", got, e)
	}
}

// counting is a marshaler whose header is an int, which amqp091-go sends as 32 bits.
type counting struct{ got chan any }

func (counting) Marshal(*message.Message) (amqp091.Publishing, error) {
	return amqp091.Publishing{Headers: amqp091.Table{"attempts": 3}}, nil
}

func (c counting) Unmarshal(d amqp091.Delivery) (*message.Message, error) {
	c.got <- d.Headers["attempts"]
	return message.NewMessage("", d.Body), nil
}

// A header that is an int has the type that it has there.
func TestIntHeader(t *testing.T) {
	for name, m := range map[string]makers{"theirs": theirs, "ours": ours} {
		t.Run(name, func(t *testing.T) {
			c := amqp.NewDurableQueueConfig(amqptest.NewServer(t).URL())
			marshaler := counting{make(chan any, 1)}
			c.Marshaler = marshaler
			sub, pub := m.subscriber(t, c), m.publisher(t, c)
			messages, err := sub.Subscribe(context.Background(), "q")
			check(t, err)
			check(t, pub.Publish("q", message.NewMessage("", nil)))
			(<-messages).Ack()
			if got := <-marshaler.got; got != int32(3) {
				t.Errorf("got %T", got)
			}
			check(t, pub.Close())
			check(t, sub.Close())
		})
	}
}
