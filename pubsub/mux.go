package pubsub

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// Mux opens a Broker by URL: it maps URL schemes to backends. A program makes
// its own, of the adapters that it wants in its build:
//
//	mux := pubsub.Mux{
//		"memory": memory.NewServer().Scheme(),
//		"amqp":   rabbitmq.Scheme(),
//		"amqps":  rabbitmq.Scheme(),
//	}
//	b, err := mux.Open(ctx, "amqp://localhost", nil)
//
// A Mux that nobody changes is safe for concurrent use.
type Mux map[string]Scheme

// Scheme opens a backend by URL.
type Scheme struct {
	// Open connects. The URL's query holds only known parameters, each once.
	// The logger is never nil.
	Open func(ctx context.Context, u *url.URL, log *slog.Logger) (Adapter, error)

	// Parameters are those that the URL's query may have, each with one line
	// of help.
	Parameters map[string]string

	// Example is a URL of this scheme, for help and errors.
	Example string
}

// Open connects to the broker that the URL names. Options may be nil. A scheme or query
// parameter that is not known is [ErrInvalid], and the error lists those that are. A broker
// that can't be reached is [ErrUnavailable]; wrong credentials are [ErrAccessRefused];
// a missing vhost is [ErrNotFound]. Errors don't show the password.
func (m Mux) Open(ctx context.Context, rawURL string, o *Options) (*Broker, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		// A *url.Error has the whole URL in its text, with the password.
		if e, ok := errors.AsType[*url.Error](err); ok {
			err = e.Err
		}
		return nil, opError("open broker", "", fmt.Errorf("%w: malformed URL: %w; percent-encode what is special in user, password and vhost", ErrInvalid, err))
	}
	name := quote(u.Redacted())
	scheme, ok := m[u.Scheme]
	if !ok {
		return nil, opError("open broker", name, fmt.Errorf("%w: unknown scheme %q; use one of %s", ErrInvalid, u.Scheme, m.schemes()))
	}
	if err := scheme.checkQuery(u); err != nil {
		return nil, opError("open broker", name, err)
	}
	log := orZero(o).Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	a, err := scheme.Open(ctx, u, log)
	if err != nil {
		return nil, opError("open broker", name, err)
	}
	return New(a, o), nil
}

// schemes lists the schemes, each by its example.
func (m Mux) schemes() string {
	var s []string
	for _, name := range slices.Sorted(maps.Keys(m)) {
		if ex := m[name].Example; ex != "" {
			s = append(s, ex)
		} else {
			s = append(s, name+":")
		}
	}
	return strings.Join(s, ", ")
}

func (s Scheme) checkQuery(u *url.URL) error {
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return fmt.Errorf("%w: malformed query: %w", ErrInvalid, err)
	}
	known := strings.Join(slices.Sorted(maps.Keys(s.Parameters)), ", ")
	if known == "" {
		known = "none"
	}
	for _, name := range slices.Sorted(maps.Keys(query)) {
		if _, ok := s.Parameters[name]; !ok {
			return fmt.Errorf("%w: unknown parameter %q; known for %s are: %s", ErrInvalid, name, u.Scheme, known)
		}
		if len(query[name]) > 1 {
			return fmt.Errorf("%w: parameter %q is there %d times; give it once", ErrInvalid, name, len(query[name]))
		}
	}
	return nil
}
