package nats_test

import (
	"context"
	"fmt"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/gobindery/bindery/adapters/nats"
	"github.com/gobindery/bindery/adapters/nats/natstest"
	"github.com/gobindery/bindery/pubsub"
)

// A process that hangs counts as dead after a while: another leads its queues, and gets what
// it held. What is published to them meanwhile is confirmed, and there. When it goes on, what it
// had is lost to it, it leads no more, and its consumer gets messages again.
func TestClientHangs(t *testing.T) {
	t.Parallel()
	server := natstest.RunServer(t)
	for _, leads := range []bool{true, false} {
		t.Run(fmt.Sprintf("leads_%t", leads), func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
			defer cancel()
			url := fmt.Sprintf("%s/hung_%t", server.URL(), leads)
			a, b := open(t, url)
			if _, err := b.DeclareQueue(ctx, pubsub.Queue{Name: "q", Durable: true}); err != nil {
				t.Fatal(err)
			}
			publish := func(n int) {
				t.Helper()
				if err := b.Publish(ctx, "", "q", pubsub.Message{Body: []byte(strconv.Itoa(n))}, pubsub.Mandatory); err != nil {
					t.Fatal(err)
				}
			}
			for n := range held {
				publish(n)
			}
			if !leads { // who inspects it with messages in it leads it
				if _, err := b.InspectQueue(ctx, "q"); err != nil {
					t.Fatal(err)
				}
			}
			v := startVictim(t, url, leads)
			c, err := b.Consume(ctx, "q", &pubsub.ConsumeOptions{Prefetch: 2 * held})
			if err != nil {
				t.Fatal(err)
			}
			v.signal(t, syscall.SIGSTOP)
			at := time.Now()
			const more = 10
			for n := range more {
				publish(held + n)
			}
			confirmed := time.Since(at)
			got := make(map[string]bool)
			var first, last time.Duration
			for len(got) < held+more {
				d, err := c.Receive(ctx)
				if err != nil {
					t.Fatalf("%d of %d messages came: %v", len(got), held+more, err)
				}
				n, _ := strconv.Atoi(string(d.Body))
				if got[string(d.Body)] {
					t.Errorf("message %s came twice", d.Body)
				}
				if n < held {
					if last = time.Since(at); first == 0 {
						first = last
					}
					if !d.Redelivered {
						t.Errorf("message %s is not marked as redelivered", d.Body)
					}
				}
				got[string(d.Body)] = true
				if err := d.Ack(ctx); err != nil {
					t.Fatal(err)
				}
			}
			if !nats.Leads(a, "q") {
				t.Error("the connection that goes on does not lead the queue")
			}
			v.signal(t, syscall.SIGCONT)
			v.goOn(t)
			v.expect(t, fmt.Sprintf("back; leads: false, lost: %d", held))
			if leaders := consumersOf(t, server, nats.StreamOf(a, "q")); len(leaders) != 1 {
				t.Errorf("the leaders are %q; want one", leaders)
			}
			// What is published now is shared out between the two, and comes back with its process's end.
			got = make(map[string]bool)
			for n := range more {
				publish(n)
			}
			eventually(t, "the client that is back has messages", func() (string, bool) {
				s, err := b.InspectQueue(ctx, "q")
				return fmt.Sprintf("%+v, %v", s, err), err == nil && s.Consumers == 2 && s.Ready == 0
			})
			v.signal(t, syscall.SIGKILL)
			for len(got) < more {
				d, err := c.Receive(ctx)
				if err != nil {
					t.Fatalf("%d of %d messages came: %v", len(got), more, err)
				}
				got[string(d.Body)] = true
				if err := d.Ack(ctx); err != nil {
					t.Fatal(err)
				}
			}
			t.Logf("stopped: messages are confirmed after %v altogether, what it held is back after %v to %v", confirmed.Round(time.Millisecond), first.Round(time.Millisecond), last.Round(time.Millisecond))
		})
	}
}

// consumersOf returns the names of a stream's consumers, each of which a connection made that leads.
func consumersOf(t *testing.T, s *natstest.Server, stream string) []string {
	t.Helper()
	js, done := jetStream(t, s.URL())
	defer done()
	is, err := js.Stream(t.Context(), stream)
	if err != nil {
		t.Fatal(err)
	}
	names := is.ConsumerNames(t.Context())
	var all []string
	for name := range names.Name() {
		all = append(all, name)
	}
	if err := names.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}
