package page

import (
	"fmt"
	"os"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/gobindery/bindery/adapters/memory"
	"github.com/gobindery/bindery/pubsub"
)

// inMemory is a broker in memory that has a topology and some messages.
func inMemory(t *testing.T, want pubsub.Topology) *pubsub.Broker {
	t.Helper()
	server := memory.NewServer()
	b, err := pubsub.Mux{"memory": server.Scheme()}.Open(t.Context(), "memory:", nil)
	must(t, err)
	t.Cleanup(func() { must(t, b.Close()) })
	declare(t, b, want)
	return b
}

// declare makes what is wanted.
func declare(t *testing.T, b *pubsub.Broker, want pubsub.Topology) {
	t.Helper()
	for _, e := range want.Exchanges {
		must(t, b.DeclareExchange(t.Context(), e))
	}
	for _, q := range want.Queues {
		_, err := b.DeclareQueue(t.Context(), q.Queue)
		must(t, err)
	}
	for _, x := range want.Bindings {
		must(t, b.Bind(t.Context(), x))
	}
	for _, q := range want.Queues {
		for range q.Ready {
			must(t, b.Publish(t.Context(), "", q.Name, pubsub.Message{Body: []byte("hello")}))
		}
	}
}

// shop is a small topology with all kinds of things in it.
func shop() pubsub.Topology {
	dead := &pubsub.DeadLetter{Exchange: "failed"}
	return pubsub.Topology{
		Exchanges: []pubsub.Exchange{
			{Name: "orders", Kind: pubsub.Topic, Durable: true, Alternate: "unrouted"},
			{Name: "audit", Kind: pubsub.Fanout, Durable: true, Internal: true},
			{Name: "unrouted", Kind: pubsub.Fanout, Durable: true},
			{Name: "failed", Kind: pubsub.Fanout, Durable: true},
			{Name: "reports", Kind: pubsub.Headers},
			{Name: "a name so long that nobody would type it twice, and yet it is allowed", Kind: pubsub.Direct},
		},
		Queues: []pubsub.QueueStatus{
			{Queue: pubsub.Queue{Name: "billing", Durable: true, DeadLetter: dead}, Ready: 12},
			{Queue: pubsub.Queue{Name: "shipping.eu", Durable: true, DeadLetter: dead}, Ready: 3},
			{Queue: pubsub.Queue{Name: "shipping.us", Durable: true}},
			{Queue: pubsub.Queue{Name: "audit-log", Durable: true, MaxLength: new(1000)}, Ready: 1},
			{Queue: pubsub.Queue{Name: "lost-and-found", Durable: true}},
			{Queue: pubsub.Queue{Name: "pdf", Durable: true}},
			{Queue: pubsub.Queue{Name: "failed"}},
			{Queue: pubsub.Queue{Name: "another-very-long-name.of-a-queue.that-has-to-be-cut.somewhere-in-the-middle"}, Ready: 1},
		},
		Bindings: []pubsub.Binding{
			{Exchange: "orders", Queue: "billing", Key: "order.*.paid"},
			{Exchange: "orders", Queue: "billing", Key: "order.*.refunded"},
			{Exchange: "orders", Queue: "shipping.eu", Key: "order.eu.#"},
			{Exchange: "orders", Queue: "shipping.us", Key: "order.us.#"},
			{Exchange: "orders", ToExchange: "audit", Key: "#.paid"},
			{Exchange: "orders", ToExchange: "audit", Key: "#.refunded"},
			{Exchange: "audit", Queue: "audit-log"},
			{Exchange: "unrouted", Queue: "lost-and-found"},
			{Exchange: "failed", Queue: "failed"},
			{Exchange: "reports", Queue: "pdf", Arguments: pubsub.Table{"x-match": "all", "format": "pdf", "pages": 5}},
			{Exchange: "reports", Queue: "another-very-long-name.of-a-queue.that-has-to-be-cut.somewhere-in-the-middle", Arguments: pubsub.Table{"x-match": "any", "format": "csv", "kind": "quarterly figures of the whole company"}},
			{Exchange: "a name so long that nobody would type it twice, and yet it is allowed", Queue: "another-very-long-name.of-a-queue.that-has-to-be-cut.somewhere-in-the-middle", Key: "a.key.that.is.rather.long.as.well"},
		},
	}
}

// many is a topology of that many exchanges, with so many queues each.
func many(exchanges, queues, bindings int) (t pubsub.Topology) {
	for i := range exchanges {
		t.Exchanges = append(t.Exchanges, pubsub.Exchange{Name: fmt.Sprintf("exchange-%04d", i), Kind: pubsub.Topic, Durable: true})
	}
	for i := range queues {
		t.Queues = append(t.Queues, pubsub.QueueStatus{Queue: pubsub.Queue{Name: fmt.Sprintf("queue-%05d", i), Durable: true}})
	}
	for i := range bindings {
		t.Bindings = append(t.Bindings, pubsub.Binding{
			Exchange: t.Exchanges[i%exchanges].Name, Queue: t.Queues[(i/exchanges*7+i)%queues].Name, Key: fmt.Sprintf("key.%d.*", i/exchanges),
		})
	}
	return t
}

// TestScreenshots shows the page in all its states. With $BINDERY_SCREENSHOTS it
// keeps pictures in that folder, light and dark.
func TestScreenshots(t *testing.T) {
	schemes := []string{"light", "dark"}
	if os.Getenv("BINDERY_SCREENSHOTS") == "" {
		schemes = schemes[:1]
	}
	for _, scheme := range schemes {
		shot := func(name string, topology pubsub.Topology, after func(b *tab)) {
			t.Run(name+" "+scheme, func(t *testing.T) {
				b := open(t, inMemory(t, topology), "the local broker", looks("prefers-color-scheme", scheme))
				b.wait(`document.querySelector("#status").textContent === "Live"`)
				after(b)
				b.do(chromedp.EmulateViewport(1280, 900))
				b.shot("page-" + name + "-" + scheme)
			})
		}
		shot("empty", pubsub.Topology{}, func(b *tab) { b.wait(`!document.querySelector("#empty").hidden`) })
		shot("small", shop(), func(b *tab) { b.wait(`document.querySelectorAll(".box.queue").length === 8`) })
		shot("lit", shop(), func(b *tab) {
			b.wait(`document.querySelectorAll(".box.queue").length === 8`)
			b.click(`[data-id="exchange:orders"]`)
			b.do(chromedp.SendKeys(chromedp.CSS("#key"), "order.eu.paid"))
			b.wait(`document.querySelectorAll(".box.queue.lit").length === 3`)
		})
		shot("fifty", many(9, 50, 72), func(b *tab) { b.wait(`document.querySelectorAll(".box.queue").length === 50`) })
		shot("huge", many(200, 2000, 4000), func(b *tab) {
			b.wait(`document.querySelectorAll("#queues tbody tr").length === 100`)
			b.click(`#exchanges tbody tr:nth-child(9) button`)
			b.wait(`document.querySelectorAll(".box").length > 5`)
		})
	}
}
