package pubsubtest

import (
	"slices"
	"strings"
	"testing"

	"github.com/gobindery/bindery/pubsub"
)

// A history that fails is shrunk to what matters, with the command that runs
// it again.
func TestHistoryShrinks(t *testing.T) {
	open := openMemory(declaring(func(q *pubsub.Queue) { q.Exclusive = false }))
	o := bubble(t)
	o.Seed, o.Histories = 42, 1
	got := failures(t, o.historyCases()[0], o, open)
	if len(got) != 1 {
		t.Fatalf("%d failures; want 1: %q", len(got), got)
	}
	_, fewer, ok := strings.Cut(got[0], "Fewer steps that fail:\n")
	if !ok {
		t.Fatalf("no steps in %q", got[0])
	}
	if n := strings.Count(fewer, "connection "); n > 4 {
		t.Errorf("%d steps are left; two suffice:\n%s", n, fewer)
	}
	for _, want := range []string{"the history with seed 42", "exclusive=true", "BINDERY_SEED=42 BINDERY_HISTORIES=1 go test ./pubsub/pubsubtest -run 'TestHistoryShrinks/histories'"} {
		if !strings.Contains(got[0], want) {
			t.Errorf("the failure does not say %q:\n%s", want, got[0])
		}
	}
}

// A seed makes the same history each time, and different ones differ.
func TestHistorySeed(t *testing.T) {
	a, b, c := list(randomSteps(7)), list(randomSteps(7)), list(randomSteps(8))
	if a != b {
		t.Errorf("seed 7 makes two histories:\n%s\n%s", a, b)
	}
	if a == c {
		t.Errorf("seeds 7 and 8 make the same history")
	}
}

// Histories do all that they can: each kind of step succeeds and fails in some.
func TestHistoriesReach(t *testing.T) {
	var texts []string
	for seed := range uint64(5) {
		for _, s := range randomSteps(seed) {
			texts = append(texts, s.text)
		}
	}
	for _, want := range []string{
		"declare exchange", "delete exchange", "declare queue", "delete queue", "purge", "bind exchange", "unbind",
		"publish to", "mandatory true", "get from", "consume", "ack the", "ack through", "requeue the", "reject the",
		"cancel the consumer", "close the consumer", "close, and connect again", "to exchange", "x-match",
	} {
		if !slices.ContainsFunc(texts, func(s string) bool { return strings.Contains(s, want) }) {
			t.Errorf("no step of five histories says %q", want)
		}
	}
}
