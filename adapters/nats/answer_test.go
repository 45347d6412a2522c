package nats

import (
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/gobindery/bindery/pubsub"
)

// An attempt that meets the one before, which is being stored, has no outcome yet: that may
// be stored or lost.
func TestDuplicateInProcess(t *testing.T) {
	p := newPublisher(new(Conn))
	var outcomes []error
	out := &outgoing{pub: &pubsub.Publication{Confirmed: func(err error) { outcomes = append(outcomes, err) }}, left: 1}
	p.sent[1] = &sending{out: out, queue: new(queue), token: 1}
	for _, answer := range []struct {
		data  string
		known int // how many outcomes there are then
	}{
		{`{"error":{"code":409,"err_code":10158,"description":"duplicate message id is in process"},"stream":"s","seq":0}`, 0},
		{`{"stream":"s","seq":7}`, 1},
	} {
		p.answer(&nats.Msg{Subject: p.inbox + "1", Data: []byte(answer.data)})
		if len(outcomes) != answer.known || answer.known > 0 && outcomes[0] != nil {
			t.Fatalf("after %s, the outcomes are %v; want %d", answer.data, outcomes, answer.known)
		}
	}
}
