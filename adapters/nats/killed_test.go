package nats_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
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

// beVictim holds messages of the queue q, and has an exclusive queue, until it is killed. Told to
// go on, it says what became of the messages.
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
	var has []pubsub.Delivery
	for range held {
		d, err := c.Receive(ctx)
		if err != nil {
			return err
		}
		has = append(has, d)
	}
	fmt.Println("holding; leads:", nats.Leads(a, "q"))
	if _, err = os.Stdin.Read(make([]byte, 1)); err != nil { // its parent is killed
		return err
	}
	for !nats.HasLost(a, "q") {
		time.Sleep(time.Millisecond)
	}
	lost := 0
	for _, d := range has {
		if err := d.Ack(ctx); errors.Is(err, pubsub.ErrDeliveryLost) {
			lost++
		}
	}
	fmt.Printf("back; leads: %t, lost: %d\n", nats.Leads(a, "q"), lost)
	_, err = os.Stdin.Read(make([]byte, 1))
	return err
}

// What a client held whose process was killed comes back to another, and its exclusive
// queue goes with its stream, whether it led the queue or another connection does.
func TestClientKilled(t *testing.T) {
	t.Parallel() // it waits for the most part
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
			v := startVictim(t, url, leads)
			c, err := b.Consume(ctx, "q", &pubsub.ConsumeOptions{Prefetch: held})
			if err != nil {
				t.Fatal(err)
			}
			v.signal(t, syscall.SIGKILL)
			at := time.Now()
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

// victim is a client in a process of its own.
type victim struct {
	cmd   *exec.Cmd
	input io.Writer
	says  *bufio.Scanner
}

// startVictim starts the client, and returns when it holds its messages.
func startVictim(t *testing.T, url string, leads bool) *victim {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), victimVariable+"="+url)
	input, err := cmd.StdinPipe() // ends with this process
	if err != nil {
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
	v := &victim{cmd, input, bufio.NewScanner(out)}
	v.expect(t, fmt.Sprintf("holding; leads: %t", leads))
	return v
}

// expect waits for a line that begins as another does, and compares them.
func (v *victim) expect(t *testing.T, want string) {
	t.Helper()
	begins, _, _ := strings.Cut(want, ";")
	said := ""
	for v.says.Scan() {
		if said = v.says.Text(); strings.HasPrefix(said, begins) {
			break
		}
	}
	if said != want {
		t.Fatalf("the client says %q; want %q", said, want)
	}
}

func (v *victim) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	if err := v.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// goOn tells it to go on.
func (v *victim) goOn(t *testing.T) {
	t.Helper()
	if _, err := v.input.Write([]byte{'\n'}); err != nil {
		t.Fatal(err)
	}
}
