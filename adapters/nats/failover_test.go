package nats_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gobindery/bindery/adapters/nats"
	"github.com/gobindery/bindery/adapters/nats/natstest"
	"github.com/gobindery/bindery/pubsub"
)

// size is n, or what an environment variable says: the full size of a test that is
// short by default.
func size(t *testing.T, variable string, n int) int {
	s := os.Getenv(variable)
	if s == "" {
		return n
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		t.Fatalf("%s is %q; it must be a number of 1 or more", variable, s)
	}
	return n
}

// disturb calls f every now and then until the test's function stop is called, which returns how often
// it did.
func disturb(t *testing.T, every time.Duration, f func(ctx context.Context) error) (stop func() int) {
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-time.After(every/2 + rand.N(every)):
			case <-ctx.Done():
				return
			}
			if err := f(ctx); err == nil {
				n++
			} else if ctx.Err() == nil {
				t.Log(err) // a leader is being elected: the next time
			}
		}
	}()
	return sync.OnceValue(func() int {
		cancel()
		<-done
		return n
	})
}

// A publish that begins after a bind on another connection has returned is routed by it, and
// one after an unbind is not, while the leader of the topology changes. BINDERY_BINDS is how many binds;
// 5,000 take some minutes.
func TestBindsSeenElsewhere(t *testing.T) {
	binds := size(t, "BINDERY_BINDS", 150)
	cluster := natstest.RunCluster(t, 3)
	ctx := t.Context()
	connect := func(node int) (*nats.Conn, *pubsub.Broker) {
		return open(t, cluster.Nodes()[node].URL()+"/binds?replicas=3&storage=memory")
	}
	a, binder := connect(0)
	_, publisher := connect(1)
	for i := range 4 {
		if _, err := binder.DeclareQueue(ctx, pubsub.Queue{Name: "q" + strconv.Itoa(i)}); err != nil {
			t.Fatal(err)
		}
	}
	stop := disturb(t, 300*time.Millisecond, func(ctx context.Context) error { return cluster.StepDown(ctx, nats.Bucket(a)) })
	defer stop()
	missed, late := 0, 0
	begun := time.Now()
	var slowest time.Duration
	for i := range binds {
		b := pubsub.Binding{Exchange: "amq.topic", Queue: "q" + strconv.Itoa(i%4), Key: fmt.Sprintf("key.%d", i%7)}
		at := time.Now()
		if err := binder.Bind(ctx, b); err != nil {
			t.Fatalf("bind %d: %v", i, err)
		}
		err := publisher.Publish(ctx, "amq.topic", b.Key, pubsub.Message{}, pubsub.Mandatory)
		if errors.Is(err, pubsub.ErrUnroutable) {
			missed++
		} else if err != nil {
			t.Fatalf("publish %d: %v", i, err)
		}
		if err := binder.Unbind(ctx, b); err != nil {
			t.Fatalf("unbind %d: %v", i, err)
		}
		err = publisher.Publish(ctx, "amq.topic", b.Key, pubsub.Message{}, pubsub.Mandatory)
		if err == nil {
			late++
		} else if !errors.Is(err, pubsub.ErrUnroutable) {
			t.Fatalf("publish %d: %v", i, err)
		}
		slowest = max(slowest, time.Since(at))
	}
	t.Logf("%d binds and unbinds in %v (the slowest %v), %d changes of leader: %d binds missed, %d unbinds late", binds, time.Since(begun).Round(time.Millisecond), slowest.Round(time.Millisecond), stop(), missed, late)
	if missed+late > 0 {
		t.Errorf("%d binds missed, %d unbinds late", missed, late)
	}
}

// What was confirmed is there, once, though nodes are killed and leaders step down while
// it is published. BINDERY_FAULTS is for how many seconds; only with it nodes are killed, which is a
// campaign of its own.
func TestNodesDieUnderPublishes(t *testing.T) {
	faults := []string{"step down"}
	if os.Getenv("BINDERY_FAULTS") != "" {
		faults = append(faults, "kill")
	}
	for _, fault := range faults {
		t.Run(strings.ReplaceAll(fault, " ", "_"), func(t *testing.T) {
			f := faulty{T: t, fault: fault, most: time.Duration(size(t, "BINDERY_FAULTS", 6)) * time.Second}
			f.run()
		})
	}
}

// faulty publishes to three queues while things go wrong.
type faulty struct {
	*testing.T
	fault string
	most  time.Duration

	cluster     *natstest.Cluster
	confirmed   [3]sync.Map       // by number
	got         [3]map[string]int // how often each came
	redelivered int               // how many came again, and said so
	n           atomic.Int64
	refused     atomic.Int64 // publishes that were not confirmed
	slowest     atomic.Int64
}

// queues are those that it publishes to. The first is consumed from meanwhile.
var queues = [3]string{"a", "b", "c"}

func (f *faulty) run() {
	f.cluster = natstest.RunCluster(f.T, 3, natstest.OwnProcess())
	ctx := f.Context()
	a, setup := open(f.T, f.url(0))
	for _, q := range queues {
		if _, err := setup.DeclareQueue(ctx, pubsub.Queue{Name: q, Durable: true}); err != nil {
			f.Fatal(err)
		}
	}
	streams := []string{nats.Bucket(a)}
	for _, q := range queues {
		streams = append(streams, nats.StreamOf(a, q))
	}
	_, reader := open(f.T, f.url(1))
	f.got = [3]map[string]int{{}, {}, {}}
	consumer, err := reader.Consume(ctx, "a", nil)
	if err != nil {
		f.Fatal(err)
	}
	var reading sync.WaitGroup
	readCtx, stopReading := context.WithCancel(ctx)
	reading.Go(func() { f.take(readCtx, consumer, 0, 0) })
	down := 0
	stop := disturb(f.T, time.Second, func(ctx context.Context) error {
		if f.fault == "step down" {
			return f.stepDownAll(ctx, streams)
		}
		node := f.cluster.Nodes()[down%3]
		down++
		if err := node.Kill(); err != nil {
			return err
		}
		// It must come back, whether or not the test is over.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Minute)
		defer cancel()
		if err := node.Restart(ctx); err != nil {
			return err
		}
		return f.cluster.WaitCurrent(ctx)
	})
	var publishing sync.WaitGroup
	end := time.Now().Add(f.most)
	for i := range 6 {
		_, b := open(f.T, f.url(i%3))
		publishing.Go(func() { f.publish(b, i%3, queues[i%3], end) })
	}
	publishing.Wait()
	faults := stop()
	f.drain(setup, 1)
	f.drain(setup, 2)
	// The reader has the rest of its queue soon.
	eventually(f.T, "all of queue a is received", func() (string, bool) {
		s, err := setup.InspectQueue(ctx, "a")
		return fmt.Sprintf("%+v, %v", s, err), err == nil && s.Ready == 0
	})
	if err := consumer.Cancel(ctx); err != nil {
		f.Log(err)
	}
	stopReading()
	reading.Wait()
	f.drain(setup, 0)
	f.judge(faults)
}

func (f *faulty) judge(faults int) {
	confirmed, lost, twice := 0, 0, 0
	for i, got := range f.got {
		f.confirmed[i].Range(func(number, _ any) bool {
			confirmed++
			if got[number.(string)] == 0 {
				lost++
			}
			return true
		})
		for number, n := range got {
			if n > 1 {
				twice++
				f.Logf("message %s of the queue %s came %d times", number, queues[i], n)
			}
		}
	}
	f.Logf("%s: %d times in %v; %d publishes confirmed, %d not, the slowest took %v; %d lost, %d twice, %d redelivered", f.fault, faults, f.most, confirmed, f.refused.Load(), time.Duration(f.slowest.Load()).Round(time.Millisecond), lost, twice, f.redelivered)
	if lost > 0 || twice > 0 {
		f.Errorf("%d confirmed publishes are lost, %d messages came twice", lost, twice)
	}
	if confirmed == 0 || faults == 0 {
		f.Errorf("%d publishes were confirmed, with %d faults; want some", confirmed, faults)
	}
}

// url is that of a node, with the others to go to when it dies.
func (f *faulty) url(node int) string {
	nodes := f.cluster.Nodes()
	var hosts []string
	for i := range nodes {
		hosts = append(hosts, strings.TrimPrefix(nodes[(node+i)%len(nodes)].URL(), "nats://"))
	}
	return "nats://" + strings.Join(hosts, ",") + "/faults?replicas=3"
}

// publish publishes one message after another, each confirmed, and some at once.
func (f *faulty) publish(b *pubsub.Broker, i int, queue string, end time.Time) {
	slots := make(chan struct{}, 16)
	var all sync.WaitGroup
	for time.Now().Before(end) {
		slots <- struct{}{}
		number := strconv.FormatInt(f.n.Add(1), 10)
		all.Go(func() {
			defer func() { <-slots }()
			at := time.Now()
			err := b.Publish(f.Context(), "", queue, pubsub.Message{Body: []byte(number)}, pubsub.Mandatory)
			if err != nil {
				if f.refused.Add(1) <= 3 {
					f.Logf("not confirmed: %v", err)
				}
				return
			}
			f.confirmed[i].Store(number, true)
			for took := int64(time.Since(at)); ; {
				is := f.slowest.Load()
				if took <= is || f.slowest.CompareAndSwap(is, took) {
					return
				}
			}
		})
	}
	all.Wait()
}

// take takes up to n messages of a queue; all that come until the context ends, if n is 0.
func (f *faulty) take(ctx context.Context, c *pubsub.Consumer, i, n int) error {
	for taken := 0; taken < n || n == 0; taken++ {
		d, err := c.Receive(ctx)
		if err != nil {
			return err
		}
		if d.Ack(ctx); d.Redelivered && f.got[i][string(d.Body)] > 0 {
			f.redelivered++ // its ack was lost
		} else {
			f.got[i][string(d.Body)]++
		}
	}
	return nil
}

// drain takes all that is in a queue.
func (f *faulty) drain(b *pubsub.Broker, i int) {
	f.Helper()
	ctx, cancel := context.WithTimeout(f.Context(), 5*time.Minute)
	defer cancel()
	for {
		s, err := b.InspectQueue(ctx, queues[i])
		if err != nil {
			f.Fatal(err)
		}
		if s.Ready == 0 {
			return
		}
		c, err := b.Consume(ctx, queues[i], &pubsub.ConsumeOptions{Prefetch: 1000})
		if err != nil {
			f.Fatal(err)
		}
		if err := f.take(ctx, c, i, s.Ready); err != nil {
			f.Fatal(err)
		}
		if err := c.Cancel(ctx); err != nil {
			f.Fatal(err)
		}
	}
}

// stepDownAll makes the leaders of streams step down.
func (f *faulty) stepDownAll(ctx context.Context, streams []string) error {
	for _, s := range streams {
		if err := f.cluster.StepDown(ctx, s); err != nil {
			return err
		}
	}
	return nil
}
