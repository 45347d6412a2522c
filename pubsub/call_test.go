package pubsub

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
)

// fakeCaller is a Caller over a fake adapter.
func fakeCaller(t *testing.T) (*fakeAdapter, *Caller) {
	t.Helper()
	sub := newFakeSub()
	fake := (&fakeAdapter{onClose: sub.Close}).consumes(sub)
	k, err := New(fake, nil).NewCaller(t.Context())
	wantErr(t, "new caller", err)
	fake.takeCalls()
	return fake, k
}

// TestCallReplyCounts: a reply counts, though the context and the connection end
// at the same moment.
func TestCallReplyCounts(t *testing.T) {
	fake, k := fakeCaller(t)
	for range 50 { // select chooses at random
		ctx, cancel := context.WithCancel(t.Context())
		fake.onPublish = func(_ context.Context, p *Publication) {
			k.mu.Lock()
			k.calls[p.CorrelationID].reply <- Message{Body: []byte("yes")}
			k.mu.Unlock()
			cancel()
			p.Confirm(ErrUnconfirmed)
		}
		m, err := k.Call(ctx, "", "q", Message{})
		wantErr(t, "call", err)
		if string(m.Body) != "yes" {
			t.Fatalf("the reply is %q; want it", m.Body)
		}
	}
	wantErr(t, "close", k.Close())
}

// TestCallNotSent: what can't be answered is not sent, and the error of what is
// not sent says so.
func TestCallNotSent(t *testing.T) {
	fake, k := fakeCaller(t)
	fake.onPublish = func(_ context.Context, p *Publication) {
		t.Error("a request was sent")
		p.Confirm(nil)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 50 { // select chooses at random
		_, err := k.Call(ctx, "", "q", Message{})
		wantErr(t, "call with a context that has ended", err, context.Canceled)
		if want := "call by the default exchange with key \"q\": publish to the default exchange: with key \"q\": not sent: context canceled"; err == nil || err.Error() != want {
			t.Fatalf("the error is %q; want %q", err, want)
		}
	}
	wantErr(t, "close", k.Close())
	_, err := k.Call(t.Context(), "", "q", Message{})
	wantErr(t, "call after close", err, ErrClosed)
}

// TestServeErrors: what a handler fails with is its caller's, is traced, and the
// request is done with; an error that holds no CallError for all it says is no
// crash.
func TestServeErrors(t *testing.T) {
	sub := newFakeSub()
	fake := (&fakeAdapter{onClose: sub.Close}).consumes(sub)
	fake.onPublish = func(_ context.Context, p *Publication) {
		fake.called("%s", p.Headers[callErrorHeader])
		p.Confirm(nil)
	}
	var traced []error
	b := New(fake, &Options{Trace: &Trace{HandleEnd: func(_ context.Context, h *HandleTrace) { traced = append(traced, h.Err) }}})
	sub.push(3)
	for _, in := range sub.ready {
		in.Envelope.ReplyTo = "reply"
	}
	secret := errors.New("secret")
	ctx, cancel := context.WithCancel(t.Context())
	wantErr(t, "serve", b.Serve(ctx, "q", nil, func(_ context.Context, d Delivery) (Message, error) {
		switch string(d.Body) {
		case "1":
			return Message{}, errScripted
		case "2":
			return Message{}, (*CallError)(nil)
		}
		cancel()
		panic(secret)
	}))
	if got, want := fake.takeCalls()[1:], []string{"scripted", "<nil>", "the server's handler panicked"}; !slices.Equal(got, want) {
		t.Errorf("replied %q; want %q", got, want)
	}
	if got, want := sub.settlements(), []string{"ack 1", "ack 2", "ack 3"}; !slices.Equal(got, want) {
		t.Errorf("settled %q; want %q", got, want)
	}
	if len(traced) != 3 || traced[0] != errScripted || !errors.Is(traced[2], secret) {
		t.Errorf("the trace saw %q; want the handler's errors", traced)
	}
}

// TestCallerCloses: calls that wait end, and a broker that can't be reached
// holds up nobody.
func TestCallerCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake, k := fakeCaller(t)
		call := during(func() error {
			_, err := k.Call(context.Background(), "", "q", Message{})
			return err
		})
		synctest.Wait()
		running(t, "call", call)
		fake.onDelete = func(ctx context.Context, queue string) error {
			<-ctx.Done()
			return fmt.Errorf("%w: no connection: %w", ErrUnavailable, ctx.Err())
		}
		wantErr(t, "close", k.Close())
		synctest.Wait()
		wantErr(t, "call", ended(t, "call", call), ErrClosed)

		// Nor does one that is closed meanwhile.
		_, k = fakeCaller(t)
		closing := during(k.Close)
		wantErr(t, "close the Broker", k.b.Close())
		synctest.Wait()
		wantErr(t, "close", ended(t, "close", closing))
	})
}

// TestCallerReplaced: a reply queue that is gone is made again. Calls that wait
// end, because their replies may have gone with it.
func TestCallerReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake, k := fakeCaller(t)
		gone := k.now.c.sub.(*fakeSub)
		next := newFakeSub()
		fake.consumes(next)
		waits := during(func() error {
			_, err := k.Call(context.Background(), "", "q", Message{})
			return err
		})
		synctest.Wait()
		gone.finish(ErrConsumerCanceled)
		synctest.Wait()
		wantErr(t, "the call that waited", ended(t, "call", waits), ErrConsumerCanceled)
		want := []string{"declare queue " + k.queue + " map[]", "consume " + k.queue + " {Prefetch:256 AutoAck:false Exclusive:false Priority:0 Tag:}"}
		if got := fake.takeCalls(); !slices.Equal(got, want) {
			t.Errorf("called %q; want %q", got, want)
		}

		answered := during(func() error {
			m, err := k.Call(context.Background(), "", "q", Message{})
			if string(m.Body) != "1" {
				t.Errorf("the reply is %q; want it", m.Body)
			}
			return err
		})
		synctest.Wait()
		next.mu.Lock()
		next.ready = []Incoming{{Envelope: &Envelope{Message: Message{Body: []byte("1"), CorrelationID: "2"}}, Tag: 1}}
		next.changedLocked()
		next.mu.Unlock()
		synctest.Wait()
		wantErr(t, "the next call", ended(t, "call", answered))

		// Not after Close, though the broker doesn't answer.
		declaring := make(chan struct{})
		fake.onDeclare = func(Queue) (QueueInfo, error) {
			<-declaring
			return QueueInfo{}, nil
		}
		last := newFakeSub()
		fake.consumes(last)
		next.finish(ErrConsumerCanceled)
		synctest.Wait()
		closing := during(k.Close)
		synctest.Wait()
		close(declaring)
		synctest.Wait()
		wantErr(t, "close", ended(t, "close", closing))
		if last.closed != 1 {
			t.Errorf("the consumer that came too late was closed %d times; want once", last.closed)
		}
		_, err := k.Call(context.Background(), "", "q", Message{})
		wantErr(t, "call after close", err, ErrConsumerCanceled)
		wantErr(t, "close the Broker", k.b.Close())
	})
}
