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

	// Hosts says that a URL may name several hosts, as [ParseURL] reads them.
	Hosts bool

	// Redact returns a URL without its secrets, for errors. Nil is
	// [url.URL.Redacted], which hides the password.
	Redact func(u *url.URL) string
}

// Open connects to the broker that the URL names. Options may be nil. A scheme
// or query parameter that is not known is [ErrInvalid], and the error lists
// those that are. A broker that can't be reached is [ErrUnavailable]; wrong
// credentials are [ErrAccessRefused]; a missing vhost is [ErrNotFound]. Errors
// don't show the password.
func (m Mux) Open(ctx context.Context, rawURL string, o *Options) (*Broker, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		list := parseHosts(rawURL)
		if list == nil || !m[list.Scheme].Hosts {
			return nil, opError(opOpen, "", malformedURL(err))
		}
		u = list
	}
	scheme, ok := m[u.Scheme]
	name := scheme.redacted(rawURL, u)
	if !ok {
		return nil, opError(opOpen, name, fmt.Errorf("%w: unknown scheme %q; use one of %s", ErrInvalid, u.Scheme, m.schemes()))
	}
	if err := scheme.checkQuery(u); err != nil {
		return nil, opError(opOpen, name, err)
	}
	log := orZero(o).Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	a, err := scheme.Open(ctx, u, log)
	if err != nil {
		return nil, opError(opOpen, name, err)
	}
	return New(a, o), nil
}

// malformedURL says what is wrong with a URL without showing the password.
func malformedURL(err error) error {
	// A *url.Error has the whole URL in its text.
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	_, escape := errors.AsType[url.EscapeError](err)
	_, char := errors.AsType[url.InvalidHostError](err)
	// Those two quote three bytes, and one. Others, as that of a bad port, may
	// quote the password from its first slash back to the colon.
	if !escape && !char && strings.Contains(err.Error(), `"`) {
		err = errors.New("the host or the port can't be read")
	}
	return fmt.Errorf("%w: malformed URL: %w; percent-encode what is special in user, password and vhost", ErrInvalid, err)
}

// redacted is the URL as it stands in an error: without the password.
func (s Scheme) redacted(rawURL string, u *url.URL) string {
	// Where what stands before an @ was not taken for user and password (a
	// slash is missing, or one in the password ends the host), it may be
	// anywhere.
	if u.User == nil && strings.Contains(rawURL, "@") {
		return "with a URL that has an @ but no user"
	}
	if s.Redact != nil {
		return quote(s.Redact(u))
	}
	return quote(u.Redacted())
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
			if u.User == nil && strings.Contains(u.RawQuery, "@") {
				name = "…" // it may be a piece of the password, see redacted
			}
			return fmt.Errorf("%w: unknown parameter %q; known for %s are: %s", ErrInvalid, name, u.Scheme, known)
		}
		if len(query[name]) > 1 {
			return fmt.Errorf("%w: parameter %q is there %d times; give it once", ErrInvalid, name, len(query[name]))
		}
	}
	return nil
}
