package pubsub

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
)

// TestHandlePanic: a handler's panic is an error of it, with its stack in the
// log, and Handle goes on.
func TestHandlePanic(t *testing.T) {
	var out bytes.Buffer
	sub := newFakeSub()
	b := New((&fakeAdapter{onClose: sub.Close}).consumes(sub), &Options{Logger: slog.New(slog.NewTextHandler(&out, nil))})
	c, err := b.Consume(t.Context(), "q", nil)
	wantErr(t, "consume", err)
	sub.push(3)
	wantErr(t, "handle", c.Handle(t.Context(), nil, func(ctx context.Context, d Delivery) error {
		switch string(d.Body) {
		case "1":
			panic("out of paper")
		case "2":
			panic(fmt.Errorf("unreadable: %w", ErrReject))
		}
		return c.Cancel(ctx)
	}))
	if got, want := sub.settlements(), []string{"requeue 1", "reject 2", "ack 3"}; !slices.Equal(got, want) {
		t.Errorf("settled %q; want %q", got, want)
	}
	for _, want := range []string{"the handler panicked: out of paper", "handle_panic_test.go"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the log does not say %q:\n%s", want, &out)
		}
	}
}

// TestHandleCrashOnPanic: the panic goes on, if asked.
func TestHandleCrashOnPanic(t *testing.T) {
	hd := &handling{HandleOptions: HandleOptions{CrashOnPanic: true}, h: func(context.Context, Delivery) error { panic("out of paper") }}
	defer func() {
		if v := recover(); v != "out of paper" {
			t.Errorf("recovered %v; want the handler's panic", v)
		}
	}()
	_ = hd.call(t.Context(), Delivery{})
}
