//go:build !race

package watermill_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"testing"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/tests"
)

// The suite's reconnect test, for servers that can restart. It reads what its
// publishers have collected without waiting for them, which the race detector
// doesn't let pass: "make watermill" runs it.
func TestReconnect(t *testing.T) {
	eachSuite(t, func(t *testing.T, be backend, p pair, strict bool) {
		if be.restart == nil {
			return // memory: nothing outlives it that could connect again
		}
		f := features(strict)
		f.RestartServiceCommand = restarts(t, be)
		pubSub, _ := p.constructors(strict)
		tests.TestReconnect(t, tests.TestContext{TestID: tests.NewTestID(), Features: f}, confirmedFirst(pubSub))
	})
}

// restarts answers askForRestart, and returns the suite's command.
func restarts(t *testing.T, be backend) []string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if err := be.restart(context.WithoutCancel(t.Context())); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	}))
	t.Cleanup(s.Close)
	return []string{"env", restartVariable + "=" + s.URL, os.Args[0]}
}

// confirmedFirst hands a message out when its Publish has returned. RabbitMQ
// delivers a message before it has confirmed it, and the suite ends with the
// last one that it received: it would miss the last among those published.
func confirmedFirst(pubSub tests.PubSubConstructor) tests.PubSubConstructor {
	return func(t *testing.T) (message.Publisher, message.Subscriber) {
		pub, sub := pubSub(t)
		c := &confirmed{uuids: map[string]bool{}}
		c.changed.L = &c.mu
		return recording{pub, c}, holding{sub, c}
	}
}

type confirmed struct {
	mu      sync.Mutex
	changed sync.Cond
	uuids   map[string]bool
}

type recording struct {
	message.Publisher
	*confirmed
}

func (r recording) Publish(topic string, messages ...*message.Message) error {
	err := r.Publisher.Publish(topic, messages...)
	if err == nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, m := range messages {
			r.uuids[m.UUID] = true
		}
		r.changed.Broadcast()
	}
	return err
}

type holding struct {
	message.Subscriber
	*confirmed
}

func (h holding) Subscribe(ctx context.Context, topic string) (<-chan *message.Message, error) {
	in, err := h.Subscriber.Subscribe(ctx, topic)
	if err != nil {
		return nil, err
	}
	out := make(chan *message.Message)
	go func() { // until the subscriber is closed
		defer close(out)
		for m := range in {
			h.mu.Lock()
			for !h.uuids[m.UUID] {
				h.changed.Wait()
			}
			h.mu.Unlock()
			select {
			case out <- m:
			case <-m.Context().Done(): // nobody reads any more
			}
		}
	}()
	return out, nil
}
