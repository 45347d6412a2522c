package pubsubtest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/gobindery/bindery/pubsub"
)

var retryCases = []Case{
	{"handle/keys", "Handle keeps the order of each key, and handles several at once", handleKeys},
	{"handle/panic", "a handler's panic is caught, and its delivery requeued", handlePanic},
	{"retry/delays", "a failed message waits, comes again with its exchange and key, and counts its attempts", retryDelays},
	{"retry/parks", "after its last attempt a message is parked, with what failed; moved back, it has all attempts again", retryParks},
	{"retry/verdicts", "a handler chooses: park, reject, retry now, retry after a pause of its own", retryVerdicts},
	{"retry/properties", "a retried message has all it had, but its user id, and reaches its own queue only", retryProperties},
	{"retry/history", "a message that expired in its queue before, and was moved back, is retried all the same", retryHistory},
	{"retry/temporary", "messages of a temporary queue are retried", retryTemporary},
	{"retry/shutdown", "a message waits for its next attempt while no program runs", retryShutdown},
}

var errHandler = errors.New("handler says no")

// handles runs Handle beside the case, until stop, or the case's end.
func (c *conn) handles(queue string, o *pubsub.HandleOptions, h func(context.Context, pubsub.Delivery) error) (stop func()) {
	c.w.Helper()
	cons := c.consume(queue, nil)
	ctx, cancel := context.WithCancel(c.w.ctx)
	returned := make(chan string, 1)
	go func() { returned <- fmt.Sprint(cons.Handle(ctx, o, h)) }()
	return func() {
		c.w.Helper()
		cancel()
		c.w.equal("error of Handle", c.w.from(returned, "Handle to return"), "<nil>")
		cons.close()
	}
}

// seen is a delivery as a case compares it.
func seen(d pubsub.Delivery) string {
	return fmt.Sprintf("%s by %s/%s, attempt %d", d.Body, d.Exchange, d.RoutingKey, d.Attempt())
}

func handleKeys(w *world) {
	c := w.open()
	q := c.temp()
	const n, keys, workers = 40, 4, 3
	c.publish("", q, numbers(n)...)
	var mu sync.Mutex
	running, order := map[string]bool{}, map[string][]string{}
	done := make(chan string, 1)
	total := 0
	key := func(d pubsub.Delivery) string { return string(d.Body[len(d.Body)-1]) }
	stop := c.handles(q, &pubsub.HandleOptions{Concurrency: workers, Key: key}, func(_ context.Context, d pubsub.Delivery) error {
		k := key(d)
		mu.Lock()
		if running[k] || len(running) >= workers {
			w.Errorf("a handler of key %s begins while those of %v run", k, running)
		}
		running[k] = true
		mu.Unlock()
		time.Sleep(time.Millisecond)
		mu.Lock()
		defer mu.Unlock()
		delete(running, k)
		order[k] = append(order[k], string(d.Body))
		if total++; total == n {
			done <- "all"
		}
		return nil
	})
	w.from(done, "all to be handled")
	stop()
	want := map[string][]string{}
	for _, body := range numbers(n) {
		k := body[len(body)-1:]
		want[k] = append(want[k], body)
	}
	w.equal("order by key", order, want)
}

func handlePanic(w *world) {
	c := w.open()
	q := c.temp()
	c.publish("", q, "x")
	got := make(chan string, 9)
	stop := c.handles(q, nil, func(_ context.Context, d pubsub.Delivery) error {
		got <- fmt.Sprint(d.Redelivered)
		if !d.Redelivered {
			panic("out of paper")
		}
		return nil
	})
	w.equal("redelivered", w.from(got, "a delivery"), "false")
	w.equal("redelivered", w.from(got, "it to come again"), "true")
	stop()
	c.holds(q)
}

func retryDelays(w *world) {
	c := w.open()
	q := c.queue(pubsub.Queue{Name: "work"})
	c.bind("amq.direct", q, "k")
	got := make(chan string, 9)
	var times []time.Time // of one handler at a time
	r := &pubsub.Retry{Delays: []time.Duration{*ms(30), *ms(60)}}
	stop := c.handles(q, &pubsub.HandleOptions{Retry: r}, func(_ context.Context, d pubsub.Delivery) error {
		times = append(times, time.Now())
		got <- seen(d)
		if d.Attempt() < 3 {
			return errHandler
		}
		return nil
	})
	c.publish("amq.direct", "k", "x")
	for i := range 3 {
		w.equal("delivery", w.from(got, "an attempt"), fmt.Sprintf("x by amq.direct/k, attempt %d", i+1))
	}
	stop()
	for i, d := range r.Delays {
		if pause := times[i+1].Sub(times[i]); pause < d {
			w.Errorf("attempt %d came after %v; want %v at least", i+2, pause, d)
		}
	}
	for _, name := range []string{q, "work.retry.30", "work.retry.60", "work.parked"} {
		w.equal("ready in "+name, c.ready(name), 0)
	}
}

func retryParks(w *world) {
	c := w.open()
	q := c.queue(pubsub.Queue{Name: "work"})
	c.bind("amq.fanout", q, "")
	got := make(chan string, 9)
	retry := &pubsub.HandleOptions{Retry: &pubsub.Retry{Delays: []time.Duration{*ms(10), 0}}}
	stop := c.handles(q, retry, func(_ context.Context, d pubsub.Delivery) error {
		got <- seen(d)
		return fmt.Errorf("attempt %d: %w", d.Attempt(), errHandler)
	})
	c.message("amq.fanout", "k", pubsub.Message{Body: []byte("x"), Headers: pubsub.Table{"h": "v"}})
	for i := range 3 {
		w.equal("delivery", w.from(got, "an attempt"), fmt.Sprintf("x by amq.fanout/k, attempt %d", i+1))
	}
	d := c.letter("work.parked")
	w.equal("reason", d.Headers["x-parked"], any("attempt 3 of 3 failed: attempt 3: handler says no"))
	w.equal("other header", d.Headers["h"], any("v"))
	t, _ := d.Headers["x-retry"].(pubsub.Table)
	first, _ := t["first-time"].(time.Time)
	last, _ := t["last-time"].(time.Time)
	if time.Since(first).Abs() > time.Minute || last.Before(first) {
		w.Errorf("it failed first at %v and last at %v", first, last)
	}
	want := pubsub.Table{
		"queue": q, "failed": int64(3), "first-time": first, "last-time": last, "exchange": "amq.fanout", "routing-key": "k",
		"errors": []any{"attempt 1: handler says no", "attempt 2: handler says no", "attempt 3: handler says no"},
	}
	if !t.Equal(want) {
		w.Errorf("x-retry is %s; want %s", typed(t), typed(want))
	}
	c.message("", q, d.Message)
	w.equal("delivery", w.from(got, "it to come when it is moved back"), "x by amq.fanout/k, attempt 1")
	for range 2 {
		w.from(got, "an attempt")
	}
	c.becomes("work.parked", 1)
	stop()
}

func retryVerdicts(w *world) {
	c := w.open()
	grave := c.grave()
	q := c.queue(pubsub.Queue{Name: "work", DeadLetter: toGrave()})
	got := make(chan string, 9)
	stop := c.handles(q, &pubsub.HandleOptions{Retry: &pubsub.Retry{Delays: []time.Duration{time.Hour}, Attempts: 5}}, func(ctx context.Context, d pubsub.Delivery) error {
		got <- seen(d)
		switch body := string(d.Body); {
		case body == "park":
			return fmt.Errorf("no use: %w", pubsub.ErrPark)
		case body == "reject":
			return fmt.Errorf("no use: %w", pubsub.ErrReject)
		case body == "own":
			w.settled(d.Reject(ctx))
			return errHandler
		case body == "now" && d.Attempt() < 3:
			return fmt.Errorf("busy: %w", pubsub.ErrRetryNow)
		case body == "after" && d.Attempt() < 2:
			return fmt.Errorf("busy: %w", pubsub.RetryAfter(*ms(31), errHandler))
		case body == "later":
			return errHandler
		}
		return nil
	})
	for _, body := range []string{"park", "reject", "own", "now 3", "after 2", "later"} {
		body, attempts, _ := strings.Cut(body, " ")
		c.publish("", q, body)
		w.equal("delivery", w.from(got, body), body+" by /work, attempt 1")
		for i := 2; i <= len("12"+attempts) && attempts != ""; i++ {
			if fmt.Sprint(i-1) == attempts {
				break
			}
			w.equal("delivery", w.from(got, body+" again"), fmt.Sprintf("%s by /work, attempt %d", body, i))
		}
	}
	stop()
	d := c.letter("work.parked")
	w.equal("parked", string(d.Body), "park")
	w.equal("reason", d.Headers["x-parked"], any("parked by its handler in attempt 1: no use: park the message"))
	c.becomes(grave, 2)
	c.holds(grave, "reject", "own")
	c.becomes("work.retry.3600000", 1)
	w.equal("ready where a pause of its own is rounded up", c.ready("work.retry.40"), 0)
}

func retryProperties(w *world) {
	c := w.open()
	q, other, cc, bcc := c.queue(pubsub.Queue{Name: "work"}), c.temp(), c.temp(), c.temp()
	c.bind("amq.topic", q, "k")
	c.bind("amq.topic", other, "k")
	c.bind("amq.topic", cc, "cc")
	c.bind("amq.topic", bcc, "bcc")
	got := make(chan pubsub.Delivery, 9)
	stop := c.handles(q, &pubsub.HandleOptions{Retry: &pubsub.Retry{Delays: []time.Duration{*ms(10), 0}}}, func(_ context.Context, d pubsub.Delivery) error {
		got <- d
		if d.Attempt() < 3 {
			return errHandler
		}
		return nil
	})
	m := w.fullMessage()
	m.Headers = m.Headers.Clone()
	m.Headers["CC"] = []any{"cc"}
	sent := m
	sent.Headers = m.Headers.Clone()
	sent.Headers["BCC"] = []any{"bcc"} // which is taken away
	c.message("amq.topic", "k", sent)
	for range 3 {
		w.wait("an attempt")
		var d pubsub.Delivery
		select {
		case d = <-got:
		case <-w.ctx.Done():
			return
		}
		want := m
		if d.Attempt() > 1 {
			want.UserID = ""
			e := *d.Envelope
			e.Headers = e.Headers.Clone()
			for _, name := range []string{"x-retry", "x-death", "x-first-death-reason", "x-first-death-queue", "x-first-death-exchange"} {
				delete(e.Headers, name)
			}
			d.Envelope = &e
		}
		w.sameMessage(fmt.Sprintf("attempt %d", d.Attempt()), d, want)
	}
	stop()
	w.equal("ready in a sibling", c.ready(other), 1)
	w.equal("ready in CC's queue", c.ready(cc), 1)
	w.equal("ready in BCC's queue", c.ready(bcc), 1)
	c.holds(q)
}

func retryHistory(w *world) {
	c := w.open()
	late := c.queue(pubsub.Queue{Name: "late"})
	q := c.queue(pubsub.Queue{Name: "work", MessageTTL: ms(20), DeadLetter: through(late)})
	c.publish("", q, "x")
	c.becomes(late, 1)
	c.message("", late, c.letter(late).Message)
	// So that it is moved back only when Handle is there to take it.
	got := make(chan string, 9)
	stop := c.handles(q, &pubsub.HandleOptions{Retry: &pubsub.Retry{Delays: []time.Duration{*ms(10)}}}, func(_ context.Context, d pubsub.Delivery) error {
		deaths, _ := d.Headers["x-death"].([]any)
		got <- fmt.Sprintf("attempt %d, %d deaths", d.Attempt(), len(deaths))
		if d.Attempt() < 2 {
			return errHandler
		}
		return nil
	})
	d := c.letter(late)
	w.eventually("Handle to consume", func() (any, bool) {
		info, err := c.InspectQueue(w.ctx, q)
		return info, err == nil && info.Consumers == 1
	})
	c.message("", q, d.Message)
	w.equal("delivery", w.from(got, "an attempt"), "attempt 1, 1 deaths")
	w.equal("delivery", w.from(got, "another"), "attempt 2, 2 deaths")
	stop()
}

func retryTemporary(w *world) {
	c := w.open()
	q := c.temp()
	got := make(chan string, 9)
	o := &pubsub.HandleOptions{Retry: &pubsub.Retry{Delays: []time.Duration{*ms(10)}, Park: "parked"}}
	stop := c.handles(q, o, func(_ context.Context, d pubsub.Delivery) error {
		got <- fmt.Sprint(d.Attempt())
		return errHandler
	})
	c.publish("", q, "x")
	w.equal("attempt", w.from(got, "an attempt"), "1")
	w.equal("attempt", w.from(got, "another"), "2")
	w.equal("parked", string(c.letter("parked").Body), "x")
	stop()
	cons := c.consume(q, nil)
	w.fails(cons.Handle(w.ctx, &pubsub.HandleOptions{Retry: &pubsub.Retry{}}, idle), pubsub.ErrInvalid, "handle a temporary queue without a name to park in")
}

func retryShutdown(w *world) {
	c, other := w.open(), w.open()
	q := other.queue(pubsub.Queue{Name: "work", Durable: true})
	started, finish := make(chan string, 9), make(chan struct{})
	retry := &pubsub.HandleOptions{Retry: &pubsub.Retry{Delays: []time.Duration{*ms(300)}}}
	c.handles(q, retry, func(context.Context, pubsub.Delivery) error {
		started <- "started"
		select {
		case <-finish:
		case <-w.ctx.Done():
		}
		return errHandler
	})
	other.publish("", q, "x")
	w.from(started, "a handler to start")
	ended := make(chan string, 1)
	go func() { ended <- fmt.Sprint(c.Shutdown(w.ctx)) }()
	close(finish)
	w.equal("error of Shutdown", w.from(ended, "Shutdown to return"), "<nil>")
	got := make(chan string, 9)
	stop := other.handles(q, retry, func(_ context.Context, d pubsub.Delivery) error {
		got <- seen(d)
		return nil
	})
	w.equal("delivery", w.from(got, "the message to come again"), "x by /work, attempt 2")
	stop()
}
