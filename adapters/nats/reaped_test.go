package nats_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/gobindery/bindery/adapters/nats"
	"github.com/gobindery/bindery/adapters/nats/natstest"
	"github.com/gobindery/bindery/pubsub"
)

// open connects a test to a vhost until its end.
func open(t *testing.T, url string) (*nats.Conn, *pubsub.Broker) {
	t.Helper()
	a, err := nats.Open(t.Context(), url, nil)
	if err != nil {
		t.Fatal(err)
	}
	b := pubsub.New(a, nil)
	t.Cleanup(func() { b.Close() })
	return a, b
}

// Of many temporary queues that came and went, nothing is left: neither streams, nor
// records once these have had their time.
func TestTemporaryQueuesLeaveNothing(t *testing.T) {
	const queues, clients = 1000, 4
	server := natstest.RunServer(t)
	ctx := t.Context()
	url := server.URL() + "/temporary"
	a, b := open(t, url)
	if err := b.DeclareExchange(ctx, pubsub.Exchange{Name: "keeps", Kind: pubsub.Fanout}); err != nil {
		t.Fatal(err)
	}
	before := bucketSize(t, server, a)
	var all sync.WaitGroup
	for i := range clients {
		all.Go(func() {
			_, mine := open(t, url)
			for n := range queues / clients {
				if err := useTemporary(ctx, mine, n%10 > 0); err != nil {
					t.Error(err)
					return
				}
			}
			if i%2 == 0 {
				mine.Close() // the others leave what is left to the end
			}
		})
	}
	all.Wait()
	most := bucketSize(t, server, a)
	nats.ForgetAfter(a, 0)
	var after int
	eventually(t, "the bucket is small again", func() (string, bool) { // the last queues are just being deleted
		if err := nats.Sweep(ctx, a); err != nil {
			t.Fatal(err)
		}
		after = bucketSize(t, server, a)
		return fmt.Sprint(after, " records: ", bucketKeys(t, server, a)), after <= before+5 // and those of the sweep itself
	})
	t.Logf("records in the bucket: %d before, %d after the queues were gone, %d swept", before, most, after)
	if most < queues {
		t.Errorf("%d records in the bucket after %d queues", most, queues)
	}
	// The streams of exclusive queues are their connections', of which two are left.
	if s := streamsOf(t, server, a); len(s) > clients/2 {
		t.Errorf("streams that are left: %q", s)
	}
	if err := b.CheckExchange(ctx, "keeps"); err != nil {
		t.Error(err)
	}
	_, fresh := open(t, url)
	if is, want := snapshot(t, fresh), snapshot(t, b); is != want {
		t.Errorf("a new client finds\n%s\nanother\n%s", is, want)
	}
}

// useTemporary declares, binds, uses and deletes an exclusive queue, or one that is
// auto-delete.
func useTemporary(ctx context.Context, b *pubsub.Broker, exclusive bool) error {
	q, err := b.DeclareQueue(ctx, pubsub.Queue{Exclusive: exclusive, AutoDelete: true})
	if err != nil {
		return err
	}
	if err := b.Bind(ctx, pubsub.Binding{Exchange: "amq.topic", Queue: q, Key: q}); err != nil {
		return err
	}
	if !exclusive {
		_, err := b.DeleteQueue(ctx, q, nil)
		return err
	}
	c, err := b.Consume(ctx, q, nil)
	if err != nil {
		return err
	}
	if err := b.Publish(ctx, "amq.topic", q, pubsub.Message{}, pubsub.Mandatory); err != nil {
		return err
	}
	d, err := c.Receive(ctx)
	if err != nil {
		return err
	}
	if err := d.Ack(ctx); err != nil {
		return err
	}
	return c.Close() // the queue goes with it
}

// bucketSize is how many records a vhost's bucket has.
func bucketSize(t *testing.T, s *natstest.Server, a *nats.Conn) int {
	t.Helper()
	return len(bucketKeys(t, s, a))
}

// bucketKeys returns the subjects of the bucket's records, of which each has one.
func bucketKeys(t *testing.T, s *natstest.Server, a *nats.Conn) (subjects []string) {
	t.Helper()
	js, done := jetStream(t, s.URL())
	defer done()
	stream, err := js.Stream(t.Context(), nats.Bucket(a))
	if err != nil {
		t.Fatal(err)
	}
	info, err := stream.Info(t.Context(), jetstream.WithSubjectFilter(">"))
	if err != nil {
		t.Fatal(err)
	}
	for subject := range info.State.Subjects {
		subjects = append(subjects, subject)
	}
	return subjects
}

// A view that has missed records of what was deleted, because they are swept, is made anew.
func TestViewBehindTheSweep(t *testing.T) {
	server := natstest.RunServer(t)
	ctx := t.Context()
	url := server.URL() + "/behind"
	a, b := open(t, url)
	_, behind := open(t, url)
	if err := declareBound(ctx, b); err != nil {
		t.Fatal(err)
	}
	if err := behind.CheckExchange(ctx, "x"); err != nil { // it has seen all
		t.Fatal(err)
	}
	if _, err := b.DeleteQueue(ctx, "q", nil); err != nil { // x goes along
		t.Fatal(err)
	}
	nats.ForgetAfter(a, 0)
	if err := nats.Sweep(ctx, a); err != nil {
		t.Fatal(err)
	}
	if is := snapshot(t, behind); is != "" {
		t.Errorf("who was behind still finds\n%s", is)
	}
	if err := declareBound(ctx, behind); err != nil {
		t.Fatal(err)
	}
	if is, want := snapshot(t, b), snapshot(t, behind); is != want {
		t.Errorf("one client finds\n%s\nanother\n%s", is, want)
	}
}

// An auto-delete queue goes even if its only consumer died together with the queue's
// leader; one that never had a consumer stays.
func TestAutoDeleteAfterDeath(t *testing.T) {
	t.Parallel() // it waits for the most part
	server := natstest.RunServer(t)
	ctx := t.Context()
	url := server.URL() + "/auto"
	_, b := open(t, url)
	for _, name := range []string{"used", "unused"} {
		if _, err := b.DeclareQueue(ctx, pubsub.Queue{Name: name, AutoDelete: true}); err != nil {
			t.Fatal(err)
		}
	}
	victim, v := open(t, url)
	if _, err := v.Consume(ctx, "used", nil); err != nil {
		t.Fatal(err)
	}
	died := time.Now()
	nats.Kill(victim)
	eventually(t, "the queue is gone", func() (string, bool) {
		is := snapshot(t, b)
		return is, is == "queue unused durable false exclusive false: 0 messages"
	})
	t.Logf("gone after %v", time.Since(died).Round(time.Millisecond))
}

// eventually waits until something holds, for as long as a busy machine may need.
func eventually(t *testing.T, what string, holds func() (is string, ok bool)) {
	t.Helper()
	for late := time.Now().Add(90 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		is, ok := holds()
		if ok {
			return
		}
		if time.Now().After(late) {
			t.Fatalf("%s: not within 90 s; it is\n%s", what, is)
		}
	}
}
