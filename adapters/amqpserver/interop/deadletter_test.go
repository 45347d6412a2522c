package interop

import (
	"reflect"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// Entries of x-death without a count, as they were before RabbitMQ counted, are
// counted when a message dies again.
func TestUncountedDeaths(t *testing.T) {
	both(t, func(t *testing.T, url string) {
		conn, err := amqp.Dial(url)
		must(t, err)
		defer conn.Close()
		ch, err := conn.Channel()
		must(t, err)
		_, err = ch.QueueDeclare("dead", false, false, false, false, nil)
		must(t, err)
		_, err = ch.QueueDeclare("q", false, false, false, false, amqp.Table{"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead"})
		must(t, err)
		old := func(queue string) amqp.Table {
			return amqp.Table{"queue": queue, "reason": "expired", "exchange": "", "routing-keys": []any{queue}}
		}
		deaths := []any{old("a"), old("a"), old("b"), old("a")}
		must(t, ch.Publish("", "q", false, false, amqp.Publishing{Headers: amqp.Table{"x-death": deaths}}))
		in, err := ch.Consume("q", "", false, false, false, false, nil)
		must(t, err)
		dead, err := ch.Consume("dead", "", true, false, false, false, nil)
		must(t, err)
		next := func(in <-chan amqp.Delivery) amqp.Delivery {
			select {
			case d := <-in:
				return d
			case <-time.After(bound):
				t.Fatal("no message comes")
				return amqp.Delivery{}
			}
		}
		must(t, next(in).Reject(false))
		got := make(map[string]int64)
		for _, e := range next(dead).Headers["x-death"].([]any) {
			e := e.(amqp.Table)
			got[e["queue"].(string)], _ = e["count"].(int64)
		}
		if want := map[string]int64{"q": 1, "a": 3, "b": 1}; !reflect.DeepEqual(got, want) {
			t.Errorf("counts %v, want %v", got, want)
		}
	})
}
