package page

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"time"

	"github.com/gobindery/bindery/pubsub"
)

const (
	maxPublish     = 1 << 20          // bytes of a request
	publishTimeout = 10 * time.Second // for the broker's confirm
	tokenHeader    = "X-Bindery-Token"
)

// message is a test message, as the form sends it.
type message struct {
	Exchange string `json:"exchange"`
	Key      string `json:"key"`
	Headers  string `json:"headers"` // see parseHeaders
	Body     string `json:"body"`
}

// outcome is what became of a test message.
type outcome struct {
	Outcome string `json:"outcome"` // taken, unroutable, refused, unknown, failed
	Text    string `json:"text"`    // the same in words
}

// publish sends a test message and answers what became of it.
func (p *Page) publish(w http.ResponseWriter, r *http.Request) {
	if subtle.ConstantTimeCompare([]byte(r.Header.Get(tokenHeader)), []byte(p.token)) != 1 {
		http.Error(w, "the token of this page is missing or that of an earlier run: load the page again", http.StatusForbidden)
		return
	}
	if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != "application/json" {
		http.Error(w, "a message is sent as application/json", http.StatusUnsupportedMediaType)
		return
	}
	var m message
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxPublish))
	if err := d.Decode(&m); err != nil {
		http.Error(w, fmt.Sprintf("read the message: %v; at most %d bytes of JSON are taken", err, maxPublish), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	// A browser that has gone is no failure, and there is nobody else to tell.
	_ = json.NewEncoder(w).Encode(p.send(r.Context(), m))
}

func (p *Page) send(ctx context.Context, m message) outcome {
	headers, err := parseHeaders(m.Headers)
	if err != nil {
		return outcome{"failed", "Not sent: " + err.Error() + "."}
	}
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	err = p.broker.Publish(ctx, m.Exchange, m.Key, pubsub.Message{
		Body: []byte(m.Body), Headers: headers, ContentType: "text/plain",
	}, pubsub.Mandatory)
	switch {
	case err == nil:
		return outcome{"taken", "Taken: the broker has confirmed the message."}
	case errors.Is(err, pubsub.ErrUnroutable):
		return outcome{"unroutable", "Unroutable: no queue matches, and the broker gave the message back."}
	case errors.Is(err, pubsub.ErrRefused):
		return outcome{"refused", "Refused: " + err.Error() + "."}
	case errors.Is(err, pubsub.ErrUnconfirmed):
		return outcome{"unknown", "Outcome unknown: " + err.Error() + "."}
	}
	return outcome{"failed", "Failed: " + err.Error() + "."}
}
