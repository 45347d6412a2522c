package amqpserver

import (
	"testing"
	"time"

	"github.com/gobindery/bindery/adapters/amqpserver/internal/wire"
	"github.com/gobindery/bindery/pubsub"
)

// A property that a client gives is there for who gets the message, although
// it is empty; the others are not.
func TestEmptyProperties(t *testing.T) {
	for what, want := range map[string]wire.Properties{
		"nothing":          {},
		"content type":     {Given: wire.GivenContentType},
		"content encoding": {Given: wire.GivenContentEncoding},
		"headers":          {Given: wire.GivenHeaders, Headers: pubsub.Table{}},
		"priority":         {Given: wire.GivenPriority},
		"correlation id":   {Given: wire.GivenCorrelationID},
		"reply-to":         {Given: wire.GivenReplyTo},
		"message id":       {Given: wire.GivenMessageID},
		"timestamp":        {Given: wire.GivenTimestamp, Timestamp: time.Unix(0, 0).UTC()},
		"type":             {Given: wire.GivenType},
		"app id":           {Given: wire.GivenAppID},
		"a zero expiration, and an empty type": {
			Given: wire.GivenExpiration | wire.GivenType, Expiration: "0",
		},
	} {
		m, err := message(&want, nil)
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		var got wire.Properties
		properties(&m, &got)
		if got.Given != want.Given || got.Timestamp != want.Timestamp || got.Expiration != want.Expiration || (got.Headers == nil) != (want.Headers == nil) {
			t.Errorf("%s: sent %+v, got %+v", what, want, got)
		}
	}
}
