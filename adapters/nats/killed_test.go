package nats_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gobindery/bindery/adapters/nats"
	"github.com/gobindery/bindery/adapters/nats/natstest"
	"github.com/gobindery/bindery/pubsub"
)

// victimVariable makes the test program a client that is to be killed, in TestMain: it is
// the URL of its vhost.
const victimVariable = "BINDERY_NATS_VICTIM"

// held is how many messages the victim holds.
const held = 100

// beVictim holds messages of the queue q, and has an exclusive queue, until it is killed.
func beVictim(ctx context.Context, url string) error {
	a, err := nats.Open(ctx, url, nil)
	if err != nil {
		return err
	}
	b := pubsub.New(a, nil)
	defer b.Close()
	own, err := b.DeclareQueue(ctx, pubsub.Queue{Exclusive: true})
	if err != nil {
		return err
	}
	if err := b.Bind(ctx, pubsub.Binding{Exchange: "amq.fanout", Queue: own}); err != nil {
		return err
	}
	c, err := b.Consume(ctx, "q", &pubsub.ConsumeOptions{Prefetch: held})
	if err != nil {
		return err
	}
	for range held {
		if _, err := c.Receive(ctx); err != nil {
			return err
		}
	}
	fmt.Println("holding; leads:", nats.Leads(a, "q"))
	_, err = os.Stdin.Read(make([]byte, 1)) // until it is killed, or its parent is
	return err
}

// What a client held whose process was killed comes back to another, and its exclusive
// queue goes with its stream, whether it led the queue or another connection does.
func TestClientKilled(t *testing.T) {
	server := natstest.RunServer(t)
	for _, leads := range []bool{true, false} {
		t.Run(fmt.Sprintf("leads_%t", leads), func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			url := fmt.Sprintf("%s/killed_%t", server.URL(), leads)
			a, b := open(t, url)
			if _, err := b.DeclareQueue(ctx, pubsub.Queue{Name: "q", Durable: true}); err != nil {
				t.Fatal(err)
			}
			var want []string
			for i := range held {
				want = append(want, fmt.Sprint(i))
				if err := b.Publish(ctx, "", "q", pubsub.Message{Body: []byte(want[i])}); err != nil {
					t.Fatal(err)
				}
			}
			if !leads { // who inspects it with messages in it leads it
				if _, err := b.InspectQueue(ctx, "q"); err != nil {
					t.Fatal(err)
				}
			}
			kill := startVictim(t, url, leads)
			c, err := b.Consume(ctx, "q", &pubsub.ConsumeOptions{Prefetch: held})
			if err != nil {
				t.Fatal(err)
			}
			at := kill()
			var got []string
			var first time.Duration
			for range held {
				late, cancel := context.WithTimeout(ctx, 60*time.Second)
				d, err := c.Receive(late)
				cancel()
				if err != nil {
					t.Fatalf("%d of %d messages came back: %v", len(got), held, err)
				}
				if len(got) == 0 {
					first = time.Since(at)
				}
				if !d.Redelivered {
					t.Errorf("message %s is not marked as redelivered", d.Body)
				}
				got = append(got, string(d.Body))
				if err := d.Ack(ctx); err != nil {
					t.Fatal(err)
				}
			}
			back := time.Since(at)
			if !slices.Equal(got, want) {
				t.Errorf("messages came back as %q", got)
			}
			eventually(t, "the exclusive queue and its stream are gone", func() (string, bool) {
				is := fmt.Sprint(snapshot(t, b), streamsOf(t, server, a))
				return is, !strings.Contains(is, "exclusive true") && !strings.Contains(is, "MQT_")
			})
			t.Logf("killed: its messages are back after %v to %v, its exclusive queue is gone after %v", first.Round(time.Millisecond), back.Round(time.Millisecond), time.Since(at).Round(time.Millisecond))
		})
	}
}

// startVictim starts the client, and returns when it holds its messages.
func startVictim(t *testing.T, url string, leads bool) (kill func() time.Time) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), victimVariable+"="+url)
	if _, err := cmd.StdinPipe(); err != nil { // ends with this process
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill() // if it lives
		cmd.Wait()
	})
	lines := bufio.NewScanner(out)
	said := ""
	for lines.Scan() {
		if said = lines.Text(); strings.HasPrefix(said, "holding") {
			break
		}
	}
	if want := fmt.Sprintf("holding; leads: %t", leads); said != want {
		t.Fatalf("the client says %q; want %q", said, want)
	}
	return func() time.Time {
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		return time.Now()
	}
}
