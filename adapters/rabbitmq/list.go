package rabbitmq

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"

	rabbithole "github.com/michaelklishin/rabbit-hole/v3"

	"github.com/gobindery/bindery/pubsub"
)

// managementURL returns where the management API is: as given, or else at the
// port that it has by default.
func managementURL(a *address, given string) (*url.URL, error) {
	if a.management != "" {
		given = a.management
	}
	if given == "" {
		if a.tls {
			return &url.URL{Scheme: "https", Host: net.JoinHostPort(a.host, "15671")}, nil
		}
		return &url.URL{Scheme: "http", Host: net.JoinHostPort(a.host, "15672")}, nil
	}
	u, err := url.Parse(given)
	if err != nil {
		if e, ok := errors.AsType[*url.Error](err); ok {
			err = e.Err
		}
		return nil, fmt.Errorf("%w: URL of the management API: %w", pubsub.ErrInvalid, err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("%w: URL of the management API: it is %q; it must be as http://localhost:15672", pubsub.ErrInvalid, u.Redacted())
	}
	return u, nil
}

// Topology implements [pubsub.Lister] by the management API.
//
// What there is, and the number of unsettled messages, is as the API tells; it
// may lag up to RabbitMQ's collect_statistics_interval, 5 s by default. Ready
// and Consumers are asked of each queue and exact, except of queues that are
// exclusive to others or have x-expires, which asking would renew. Arguments
// come as JSON: all integers as int64, bytes as a string, times as a number.
//
// A server of this module's adapters/amqpserver is asked by AMQP instead, and all
// is exact.
func (c *Conn) Topology(ctx context.Context) (t pubsub.Topology, err error) {
	s, err := c.consuming.get(ctx)
	if err != nil {
		return t, err
	}
	if s.listsByQueue() {
		t, err = c.topologyByQueue(ctx)
		sortListed(&t)
		return t, err
	}
	exchanges, err := listIn[rabbithole.ExchangeInfo](ctx, c, "exchanges")
	if err != nil {
		return t, c.managementError(ctx, err)
	}
	queues, err := listIn[rabbithole.QueueInfo](ctx, c, "queues")
	if err != nil {
		return t, c.managementError(ctx, err)
	}
	bindings, err := listIn[rabbithole.BindingInfo](ctx, c, "bindings")
	if err != nil {
		return t, c.managementError(ctx, err)
	}
	for i := range exchanges {
		if exchanges[i].Name != "" {
			t.Exchanges = append(t.Exchanges, listedExchange(&exchanges[i]))
		}
	}
	for i := range queues {
		q := listedQueue(&queues[i])
		q.Name = c.names.first(q.Name)
		if err := c.count(ctx, &q); errors.Is(err, pubsub.ErrNotFound) {
			continue // deleted since
		} else if err != nil {
			return pubsub.Topology{}, err
		}
		t.Queues = append(t.Queues, q)
	}
	for i := range bindings {
		if bindings[i].Source != "" {
			t.Bindings = append(t.Bindings, c.listedBinding(&bindings[i]))
		}
	}
	sortListed(&t)
	return t, nil
}

// count asks the queue itself, if that changes nothing.
func (c *Conn) count(ctx context.Context, q *pubsub.QueueStatus) error {
	if q.Exclusive && !c.records.owns(q.Name) || q.Expires != 0 {
		return nil
	}
	info, err := c.InspectQueue(ctx, q.Name)
	switch {
	case errors.Is(err, pubsub.ErrAccessRefused), errors.Is(err, pubsub.ErrResourceLocked):
		return nil // what the API told must do
	case err != nil:
		return err
	}
	q.Ready, q.Consumers = info.Ready, info.Consumers
	return nil
}

// listIn reads a list of the vhost from the management API. rabbit-hole's own
// client would take its context from elsewhere, and make a float64 of each
// number, which loses digits of a long.
func listIn[T any](ctx context.Context, c *Conn, what string) ([]T, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.managementBase()+"/api/"+what+"/"+url.PathEscape(c.addr.vhost), nil)
	if err != nil {
		return nil, err
	}
	user, password := c.addr.user, c.addr.password
	if u := c.management.User; u != nil {
		user = u.Username()
		password, _ = u.Password()
	}
	r.SetBasicAuth(user, password)
	t := &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true}
	if c.tls != nil {
		t.TLSClientConfig = c.tls.Clone()
		t.TLSClientConfig.ServerName = "" // that of the management API's URL
	}
	resp, err := (&http.Client{Transport: t}).Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	in := json.NewDecoder(resp.Body)
	switch {
	case resp.StatusCode == http.StatusUnauthorized:
		return nil, errUnauthorized
	case resp.StatusCode >= http.StatusBadRequest:
		e := rabbithole.ErrorResponse{}
		if err := in.Decode(&e); err != nil {
			e.Message = "no JSON from RabbitMQ"
		}
		e.StatusCode = resp.StatusCode
		return nil, e
	}
	in.UseNumber()
	var list []T
	if err := in.Decode(&list); err != nil {
		return nil, fmt.Errorf("list %s: %w", what, err)
	}
	return list, nil
}

// managementBase is the URL without credentials.
func (c *Conn) managementBase() string {
	u := *c.management
	u.User = nil
	return strings.TrimSuffix(u.String(), "/")
}

var errUnauthorized = errors.New("401 Unauthorized")

// managementError says what to do where the API doesn't answer.
func (c *Conn) managementError(ctx context.Context, err error) error {
	const advice = "listing needs RabbitMQ's management plugin: enable it with rabbitmq-plugins enable rabbitmq_management, or give its URL if it is elsewhere (parameter management)"
	at := "management API at " + c.managementBase()
	if errors.Is(err, errUnauthorized) {
		return fmt.Errorf("%w: %s: %w; it wants a user of the broker with the tag management or monitoring", pubsub.ErrAccessRefused, at, errUnauthorized)
	}
	if e, ok := errors.AsType[rabbithole.ErrorResponse](err); ok {
		switch e.StatusCode {
		case http.StatusForbidden:
			return fmt.Errorf("%w: %s: %w; the user needs the tag management or monitoring", pubsub.ErrAccessRefused, at, err)
		case http.StatusNotFound:
			return fmt.Errorf("%w: %s: %w; %s", pubsub.ErrUnsupported, at, err, advice)
		}
		return fmt.Errorf("%w: %s: %w", pubsub.ErrUnavailable, at, err)
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%w: %s: %w", pubsub.ErrUnavailable, at, context.Cause(ctx))
	}
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err // without the request's URL
	}
	if errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("%w: %s: %w; %s", pubsub.ErrUnsupported, at, err, advice)
	}
	return fmt.Errorf("%w: %s: %w; %s", pubsub.ErrUnavailable, at, err, advice)
}
