package interop

import (
	"fmt"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/gobindery/bindery/adapters/amqpserver/amqptest"
	"github.com/gobindery/bindery/adapters/rabbitmq/rabbitmqtest"
)

// round is how many messages a server gets before it is the other's turn.
const round = 20_000

// body is a message's.
var body = make([]byte, 256)

// BenchmarkServer measures messages per second of the server's CPU, with
// amqp091-go as the client, on RabbitMQ and on a server over memory, each in a
// process of its own. An iteration is a round on both.
func BenchmarkServer(b *testing.B) {
	node := rabbitmqtest.Run(b, nil)
	names := [2]string{"RabbitMQ", "Bindery"}
	servers := [2]process{{node.URL(), beam(b)}, alone(b)}
	for _, c := range []struct {
		name    string
		inTurn  func(b *testing.B, ch *amqp.Channel)
		prepare func(b *testing.B, ch *amqp.Channel)
		clean   func(b *testing.B, ch *amqp.Channel)
	}{
		{"publish, 1024 in flight", publishRound, nothing, purgeRound},
		{"consume, each acked", consumeRound(1), publishRound, nothing},
		{"consume, acked by 64", consumeRound(64), publishRound, nothing},
	} {
		b.Run(c.name, func(b *testing.B) {
			var channels [2]*amqp.Channel
			for i, s := range servers {
				conn, err := amqp.Dial(s.url)
				must(b, err)
				defer conn.Close()
				channels[i], err = conn.Channel()
				must(b, err)
				_, err = channels[i].QueueDeclare("bench", false, false, true, false, nil)
				must(b, err)
				must(b, channels[i].Confirm(false))
				must(b, channels[i].Qos(1024, 0, false))
			}
			var used, took [2]time.Duration
			for b.Loop() {
				for i, s := range servers {
					b.StopTimer()
					c.prepare(b, channels[i])
					b.StartTimer()
					start, cpu := time.Now(), s.cpu(b)
					c.inTurn(b, channels[i])
					used[i] += s.cpu(b) - cpu
					took[i] += time.Since(start)
					b.StopTimer()
					c.clean(b, channels[i])
					b.StartTimer()
				}
			}
			n := float64(b.N) * round
			for i, name := range names {
				b.ReportMetric(n/used[i].Seconds(), name+"-msgs/cpu-s")
				b.ReportMetric(n/took[i].Seconds(), name+"-msgs/s")
			}
			b.ReportMetric(used[0].Seconds()/used[1].Seconds(), "x-per-cpu-s")
			b.ReportMetric(0, "ns/op") // of both servers together: says nothing
		})
	}
}

func nothing(*testing.B, *amqp.Channel) {}

func purgeRound(b *testing.B, ch *amqp.Channel) {
	n, err := ch.QueuePurge("bench", false)
	must(b, err)
	if n != round {
		b.Fatalf("%d messages were in the queue, not %d", n, round)
	}
}

// publishRound publishes a round, at most 1024 unconfirmed at a time.
func publishRound(b *testing.B, ch *amqp.Channel) {
	var flying [1024]*amqp.DeferredConfirmation
	wait := func(c *amqp.DeferredConfirmation) {
		if c != nil && !c.Wait() {
			b.Fatal("a publish was refused")
		}
	}
	for i := range round {
		wait(flying[i%len(flying)])
		c, err := ch.PublishWithDeferredConfirm("", "bench", false, false, amqp.Publishing{Body: body})
		must(b, err)
		flying[i%len(flying)] = c
	}
	for _, c := range flying {
		wait(c)
	}
}

// consumeRound takes a round from the queue, and acknowledges by some at once.
func consumeRound(every int) func(b *testing.B, ch *amqp.Channel) {
	return func(b *testing.B, ch *amqp.Channel) {
		in, err := ch.Consume("bench", "bench", false, false, false, false, nil)
		must(b, err)
		for i := 1; i <= round; i++ {
			d, ok := <-in
			if !ok || len(d.Body) != len(body) {
				b.Fatalf("delivery %d of %d is wrong or the channel is closed", i, round)
			}
			if i%every == 0 || i == round {
				must(b, d.Ack(every > 1))
			}
		}
		must(b, ch.Cancel("bench", false)) // the acks come before it
	}
}

// BenchmarkFirstMessage starts a server, connects, and waits for the first
// message.
func BenchmarkFirstMessage(b *testing.B) {
	for b.Loop() {
		conn, err := amqp.Dial(amqptest.NewServer(b).URL())
		must(b, err)
		ch, err := conn.Channel()
		must(b, err)
		_, err = ch.QueueDeclare("q", false, false, false, false, nil)
		must(b, err)
		in, err := ch.Consume("q", "", true, false, false, false, nil)
		must(b, err)
		must(b, ch.Publish("", "q", false, false, amqp.Publishing{Body: body}))
		<-in
		b.StopTimer()
		must(b, conn.Close())
		b.StartTimer()
	}
}

// BenchmarkIdle has thousands of connections with a channel each, and tells
// what the server's process takes for one.
func BenchmarkIdle(b *testing.B) {
	for _, n := range []int{1000, 5000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				s := alone(b)
				before := s.resident(b)
				for range n {
					conn, err := amqp.Dial(s.url)
					must(b, err)
					defer conn.Close()
					_, err = conn.Channel()
					must(b, err)
				}
				after := s.resident(b)
				b.ReportMetric(float64(after)/(1<<20), "MiB-resident")
				b.ReportMetric(float64(after-before)/float64(n)/1024, "KiB/conn")
			}
		})
	}
}
