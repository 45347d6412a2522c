package watermill_test

import (
	"testing"

	wm "github.com/ThreeDotsLabs/watermill"
	wmnats "github.com/ThreeDotsLabs/watermill-nats/v2/pkg/nats"
	"github.com/ThreeDotsLabs/watermill/message"
	natsgo "github.com/nats-io/nats.go"

	"github.com/gobindery/bindery/adapters/nats"
	"github.com/gobindery/bindery/adapters/nats/natstest"
	"github.com/gobindery/bindery/adapters/watermill"
	"github.com/gobindery/bindery/pubsub"
)

// onNATS has a publisher and a subscriber of each side on one server, which
// writes to files. Each side has a stream of its own with one durable consumer.
type onNATS struct {
	ours, theirs     message.Publisher
	toOurs, toTheirs message.Subscriber
}

// natsSettings are watermill-nats': as they come, with only the stream made by
// it; and the fastest ones, with a stream that, as a queue, keeps messages until
// they are acked.
var natsSettings = map[string]struct {
	retention     natsgo.RetentionPolicy
	jetStream     wmnats.JetStreamConfig
	subscriptions int
}{
	"defaults": {natsgo.LimitsPolicy, wmnats.JetStreamConfig{AutoProvision: true}, 1},
	"best":     {natsgo.WorkQueuePolicy, wmnats.JetStreamConfig{AckAsync: true}, 4},
}

func eachNATSSetting(b *testing.B, f func(b *testing.B, n onNATS, slower int)) {
	b.Run("best", func(b *testing.B) { f(b, newOnNATS(b, "best"), 1) })
	b.Run("defaults", func(b *testing.B) { f(b, newOnNATS(b, "defaults"), 8) })
}

func newOnNATS(b *testing.B, setting string) (n onNATS) {
	must := func(err error) {
		if err != nil {
			b.Fatal(err)
		}
	}
	server := natstest.RunServer(b)
	a, err := nats.Open(b.Context(), server.URL(), nil)
	must(err)
	broker := pubsub.New(a, nil)
	b.Cleanup(func() { broker.Close() })
	n.ours = watermill.NewPublisher(broker, watermill.PublisherConfig{})
	ours := watermill.NewSubscriber(broker, watermill.SubscriberConfig{Mapping: watermill.Mapping{Group: "ours"}})
	must(ours.SubscribeInitialize("topic"))
	n.toOurs = ours

	s := natsSettings[setting]
	conn, err := natsgo.Connect(server.URL())
	must(err)
	defer conn.Close()
	jetStream, err := conn.JetStream()
	must(err)
	_, err = jetStream.AddStream(&natsgo.StreamConfig{Name: "topic", Subjects: []string{"topic"}, Retention: s.retention})
	must(err)
	s.jetStream.DurablePrefix = "theirs"
	s.jetStream.SubscribeOptions = []natsgo.SubOpt{natsgo.DeliverAll(), natsgo.AckExplicit()}
	theirs, err := wmnats.NewSubscriber(wmnats.SubscriberConfig{
		URL:              server.URL(),
		QueueGroupPrefix: "theirs",
		SubscribersCount: s.subscriptions,
		JetStream:        s.jetStream,
	}, wm.NopLogger{})
	must(err)
	b.Cleanup(func() { theirs.Close() })
	n.toTheirs = theirs
	p, err := wmnats.NewPublisher(wmnats.PublisherConfig{URL: server.URL(), JetStream: s.jetStream}, wm.NopLogger{})
	must(err)
	b.Cleanup(func() { p.Close() })
	n.theirs = p
	return n
}

// 64 goroutines publish, each one message at a time: what watermill-nats does best.
func BenchmarkNATSPublish(b *testing.B) {
	eachNATSSetting(b, func(b *testing.B, n onNATS, slower int) {
		compareSlow(b, 12_800, slower, 1, publishes(b, n.ours, 64, 1), publishes(b, n.theirs, 64, 1))
	})
}

// One goroutine publishes 100 messages at a time.
func BenchmarkNATSPublishBatch(b *testing.B) {
	eachNATSSetting(b, func(b *testing.B, n onNATS, slower int) {
		compareSlow(b, 16_000, slower, 1, publishes(b, n.ours, 1, 100), publishes(b, n.theirs, 1, 100))
	})
}

// What is in the stream is consumed, as many messages at the same time as the setting allows.
func BenchmarkNATSConsume(b *testing.B) {
	eachNATSSetting(b, func(b *testing.B, n onNATS, slower int) {
		ours, theirs := takes(drained(b, n.toOurs)), takes(drained(b, n.toTheirs))
		fillOurs, fillTheirs := publishes(b, n.ours, 16, 10), publishes(b, n.theirs, 16, 10)
		consumed := func(fill, take side, count int) float64 {
			fill(count)
			return rate(take, count)
		}
		var c comparison
		const count = 51_200
		for b.Loop() {
			c.add(consumed(fillOurs, ours, count), consumed(fillTheirs, theirs, count/slower))
		}
		c.report(b)
	})
}
