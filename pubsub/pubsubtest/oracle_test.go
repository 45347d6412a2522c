package pubsubtest

import (
	"slices"
	"testing"

	"github.com/gobindery/bindery/pubsub"
)

// The oracle agrees with what was observed on RabbitMQ.
func TestOracleTopic(t *testing.T) {
	if len(topicPatterns) != 27 || len(topicKeys) != 23 {
		t.Errorf("%d patterns and %d keys; want 27 and 23", len(topicPatterns), len(topicKeys))
	}
	for p, want := range topicPatterns {
		for _, k := range topicKeys {
			b := pubsub.Binding{Key: p}
			if got := matches(pubsub.Topic, b, k, nil); got != slices.Contains(want, k) {
				t.Errorf("pattern %q and key %q: matches is %v", p, k, got)
			}
		}
	}
}

func TestOracleHeaders(t *testing.T) {
	for i, row := range headersRows() {
		b := pubsub.Binding{Arguments: row.arguments}
		for _, h := range row.match {
			if !matches(pubsub.Headers, b, "", h) {
				t.Errorf("row %d: arguments %s and headers %s differ; want a match", i, typed(row.arguments), typed(h))
			}
		}
		for _, h := range row.differ {
			if matches(pubsub.Headers, b, "", h) {
				t.Errorf("row %d: arguments %s and headers %s match; want a difference", i, typed(row.arguments), typed(h))
			}
		}
	}
}
