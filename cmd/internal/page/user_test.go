package page

import (
	"encoding/json"
	"fmt"
	neturl "net/url"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/gobindery/bindery/adapters/memory"
	"github.com/gobindery/bindery/adapters/nats"
	"github.com/gobindery/bindery/adapters/nats/natstest"
	"github.com/gobindery/bindery/adapters/rabbitmq"
	"github.com/gobindery/bindery/adapters/rabbitmq/rabbitmqtest"
	"github.com/gobindery/bindery/pubsub"
)

// TestBackends: what is declared shows up, the way of a message lights up, and
// publishing it is seen in the counts. On each backend.
func TestBackends(t *testing.T) {
	for name, url := range map[string]func(*testing.T) string{
		"memory": func(*testing.T) string { return "memory:" },
		"RabbitMQ": func(t *testing.T) string {
			s := rabbitmqtest.Shared(t)
			return s.VHost(t) + "?management=" + neturl.QueryEscape(s.ManagementURL())
		},
		"NATS": func(t *testing.T) string { return natstest.RunServer(t).URL() },
	} {
		t.Run(name, func(t *testing.T) {
			backends := pubsub.Mux{"memory": memory.NewServer().Scheme(), "amqp": rabbitmq.Scheme(), "nats": nats.Scheme()}
			broker, err := backends.Open(t.Context(), url(t), nil)
			must(t, err)
			t.Cleanup(func() { must(t, broker.Close()) })
			testUser(open(t, broker, name), broker)
		})
	}
}

func testUser(b *tab, broker *pubsub.Broker) {
	b.wait(`document.querySelector("#status").className === "live" && !document.querySelector("#empty").hidden`)
	ctx := b.Context()
	declare(b.T, broker, pubsub.Topology{
		Exchanges: []pubsub.Exchange{{Name: "events", Kind: pubsub.Topic}, {Name: "all", Kind: pubsub.Fanout}, {Name: "docs", Kind: pubsub.Headers}},
		Queues:    []pubsub.QueueStatus{{Queue: pubsub.Queue{Name: "critical"}}, {Queue: pubsub.Queue{Name: "kern"}}, {Queue: pubsub.Queue{Name: "archive"}}},
		Bindings: []pubsub.Binding{
			{Exchange: "events", Queue: "critical", Key: "*.critical"}, {Exchange: "events", Queue: "kern", Key: "kern.*"},
			{Exchange: "events", ToExchange: "all", Key: "#"}, {Exchange: "all", Queue: "archive"},
			{Exchange: "docs", Queue: "archive", Arguments: pubsub.Table{"x-match": "all", "pages": 5}},
		},
	})
	b.wait(`document.querySelectorAll(".box").length === 6 && document.querySelectorAll(".line").length === 5`)
	if eval[bool](b, `!document.querySelector("#empty").hidden`) {
		b.Error("it is still said to be empty")
	}

	// The way lights up as the key is typed.
	b.click(`[data-id="exchange:events"]`)
	b.wait(`!document.querySelector("#message").hidden`)
	b.do(chromedp.SendKeys(chromedp.CSS("#key"), "kern.info"))
	lit(b, "exchange:all", "exchange:events", "queue:archive", "queue:kern")
	b.wait(`document.querySelectorAll(".line.lit").length === 3`)
	b.wait(`[...document.querySelectorAll("#route li.no")].some((l) => l.textContent.includes('critical, "*.critical": the 2nd word'))`)

	// It goes there, and is counted.
	b.click("#publish")
	b.wait(`document.querySelector("#outcome").className === "taken"`)
	b.wait(`document.querySelector('[data-id="queue:kern"] .detail').textContent.startsWith("1 ready")`)
	b.wait(`document.querySelector("#total-0").textContent === "2"`)
	got, ok, err := broker.Get(ctx, "kern", nil)
	must(b, err)
	if !ok || string(got.Body) != "info: Hello World!" || got.RoutingKey != "kern.info" {
		b.Errorf("the queue has %+v", got)
	} else {
		must(b, got.Ack(ctx))
	}
	b.wait(`document.querySelector('[data-id="queue:kern"] .detail').textContent.startsWith("0 ready")`)

	// Headers have types, and who matches nothing is told.
	b.click(`#exchanges button[title="docs"]`)
	b.wait(`document.querySelector("#chosen-name").textContent === "docs" && document.activeElement.id === "details-title"`)
	b.do(chromedp.SendKeys(chromedp.CSS("#headers"), "pages=5"))
	b.wait(`document.querySelector("#route-summary").textContent.startsWith("No queue matches")`)
	b.click("#publish")
	b.wait(`document.querySelector("#outcome").className === "unroutable"`)
	b.do(chromedp.SetValue(chromedp.CSS("#headers"), "pages:=5"))
	b.click(`#message button[type=submit]`)
	lit(b, "exchange:docs", "queue:archive")
	b.do(chromedp.SetValue(chromedp.CSS("#headers"), "pages"))
	b.click(`#message button[type=submit]`)
	b.wait(`document.querySelector("#route-summary").className === "failed"`)
	b.click("#publish")
	b.wait(`document.querySelector("#outcome").className === "failed"`)
}

// lit waits until exactly these nodes stand out.
func lit(b *tab, ids ...string) {
	b.Helper()
	want, err := json.Marshal(ids)
	must(b, err)
	b.wait(fmt.Sprintf(`JSON.stringify([...document.querySelectorAll(".box.lit")].map((e) => e.dataset.id).sort()) === %q`, want))
}

// TestKeyboard does all without a mouse.
func TestKeyboard(t *testing.T) {
	broker := inMemory(t, shop())
	b := open(t, broker, "memory:")
	b.wait(`document.querySelectorAll(".box.queue").length === 8`)
	// Tab comes to the search, the parts of the page, and the graph.
	if stops := tabTo(b, `document.activeElement.classList.contains("box")`); stops > 8 {
		t.Errorf("the graph is the stop number %d", stops)
	}
	b.press(kb.Home)
	at := func() string { return eval[string](b, `document.activeElement.dataset.id ?? ""`) }
	seen := map[string]bool{at(): true}
	for range 20 {
		for _, key := range []string{kb.ArrowRight, kb.ArrowDown, kb.ArrowLeft, kb.ArrowDown, kb.ArrowRight, kb.ArrowUp} {
			b.press(key)
			seen[at()] = true
		}
	}
	if len(seen) < 5 {
		t.Errorf("the arrow keys come only to %v", seen)
	}
	for range 20 {
		b.press(kb.ArrowLeft)
	}
	for i := 0; at() != "exchange:orders"; i++ {
		if i == 20 {
			t.Fatalf("the arrow keys don't come to orders, but to %s", at())
		}
		b.press(map[bool]string{true: kb.ArrowUp, false: kb.ArrowDown}[i < 10])
	}
	if eval[string](b, `getComputedStyle(document.activeElement.querySelector(".ring")).stroke`) == "none" {
		t.Error("the focus can't be seen in the graph")
	}
	b.press(kb.Enter)
	b.wait(`document.querySelector("#chosen-name").textContent === "orders"`)
	if at() != "exchange:orders" {
		t.Errorf("the focus went to %q", at())
	}
	tabTo(b, `document.activeElement.id === "key"`)
	b.press("order.us.new")
	lit(b, "exchange:orders", "queue:shipping.us")
	if id := eval[string](b, `document.activeElement.id`); id != "key" {
		t.Errorf("the focus went from the key to %q", id)
	}
	tabTo(b, `document.activeElement.id === "publish"`)
	b.press(kb.Enter)
	b.wait(`document.querySelector("#outcome").className === "taken"`)
	b.wait(`document.querySelector('[data-id="queue:shipping.us"]').getAttribute("aria-label").includes("1 ready")`)
	b.wait(`document.activeElement.id === "publish"`)
	b.press(kb.Escape)
	b.wait(`document.querySelector("#details").hidden`)
	if at() != "exchange:orders" {
		t.Errorf("after Escape the focus is at %q", at())
	}
	b.do(chromedp.Focus(chromedp.CSS("#search")))
	b.press("billing")
	b.wait(`document.querySelectorAll("#queues tbody tr").length === 1`)
	if id := eval[string](b, `document.activeElement.id`); id != "search" {
		t.Errorf("the focus went from the search to %q", id)
	}
	tabTo(b, `document.activeElement.closest("#queues tbody") !== null`)
	b.press(kb.Enter)
	b.wait(`document.querySelector("#chosen-counts")?.textContent.startsWith("12 ready, 0 unacknowledged, 0 consumers")`)
}

// tabTo presses Tab until an expression is true, and tells how often.
func tabTo(b *tab, expression string) int {
	b.Helper()
	for n := 1; n <= 100; n++ {
		b.press(kb.Tab)
		if eval[bool](b, expression) {
			return n
		}
		if !eval[bool](b, `document.activeElement === document.body || [document.activeElement, document.activeElement.querySelector(".ring")]
			.some((e) => e && (getComputedStyle(e).outlineStyle !== "none" || getComputedStyle(e).stroke !== "none"))`) {
			b.Errorf("the focus can't be seen on %s", eval[string](b, `document.activeElement.outerHTML`))
		}
	}
	b.Fatalf("Tab doesn't come to where %s", expression)
	return 0
}

// TestGone: a broker that can't be asked is said, and the page goes on when it
// is back.
func TestGone(t *testing.T) {
	server := &flaky{Broker: inMemory(t, shop())}
	b := open(t, server, "flaky")
	b.wait(`document.querySelectorAll(".box.queue").length === 8`)
	server.set(errUnplugged)
	b.wait(`document.querySelector("#status").className === "lost" && document.querySelector("#trouble").textContent.includes("unplugged")`)
	if n := eval[int](b, `document.querySelectorAll(".box.queue").length`); n != 8 {
		t.Errorf("%d queues are still drawn", n)
	}
	server.set(nil)
	b.wait(`document.querySelector("#status").className === "live" && document.querySelector("#trouble").hidden`)
}

// TestNames: names are text, whatever is in them.
func TestNames(t *testing.T) {
	const name = `<img src=x onerror=alert(1)>"'&amp;`
	b := open(t, inMemory(t, pubsub.Topology{
		Exchanges: []pubsub.Exchange{{Name: name, Kind: pubsub.Direct}},
		Queues:    []pubsub.QueueStatus{{Queue: pubsub.Queue{Name: name}}},
		Bindings:  []pubsub.Binding{{Exchange: name, Queue: name, Key: name}},
	}), name)
	b.wait(`document.querySelectorAll(".box").length === 2`)
	b.click(".box.queue")
	b.wait(fmt.Sprintf(`document.querySelector("#chosen-name").textContent === %q`, name))
	if n := eval[int](b, `document.querySelectorAll("img").length`); n != 0 {
		t.Errorf("%d elements were made of names", n)
	}
	b.click(".box.exchange")
	b.wait(`!document.querySelector("#message").hidden`)
	b.do(chromedp.SetValue(chromedp.CSS("#key"), name))
	b.click("#message button[type=submit]")
	b.wait(`document.querySelectorAll(".box.queue.lit").length === 1`)
	if title := eval[string](b, `document.title`); title != "Topology of "+name {
		t.Errorf("the title is %q", title)
	}
}

// TestFolded: of much, what is touched is drawn, and the rest listed.
func TestFolded(t *testing.T) {
	b := open(t, inMemory(t, many(100, 400, 1000)), "memory:")
	b.wait(`document.querySelectorAll("#queues tbody tr").length === 100`)
	if text := b.text("#touched"); text != "106 exchanges and 400 queues are too many to draw. Search, or choose an exchange in the table." {
		t.Errorf("it says %q", text)
	}
	b.click(`#queues .more button`)
	b.wait(`document.querySelectorAll("#queues tbody tr").length === 400`)
	b.do(chromedp.SendKeys(chromedp.CSS("#search"), "QUEUE-0001"))
	b.wait(`document.querySelectorAll("#queues tbody tr").length === 10 && document.querySelectorAll(".box.queue").length === 10`)
	b.do(chromedp.SetValue(chromedp.CSS("#search"), "queue-00"), chromedp.SendKeys(chromedp.CSS("#search"), "0"))
	b.wait(`document.querySelectorAll(".box").length === 60`)
	if text := b.text("#touched"); text != "Drawn: 60 of 200 that are touched. The tables list the rest." {
		t.Errorf("it says %q", text)
	}
}
