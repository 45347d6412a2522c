package rabbitmq

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
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
func (c *Conn) Topology(ctx context.Context) (t pubsub.Topology, err error) {
	client, closeIdle, err := c.managementClient(ctx)
	if err != nil {
		return t, err
	}
	defer closeIdle()
	vhost := c.addr.vhost
	exchanges, err := client.ListExchangesIn(vhost)
	if err != nil {
		return t, c.managementError(ctx, err)
	}
	queues, err := client.ListQueuesIn(vhost)
	if err != nil {
		return t, c.managementError(ctx, err)
	}
	bindings, err := client.ListBindingsIn(vhost)
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
	slices.SortFunc(t.Exchanges, func(a, b pubsub.Exchange) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(t.Queues, func(a, b pubsub.QueueStatus) int { return strings.Compare(a.Name, b.Name) })
	slices.SortStableFunc(t.Bindings, func(a, b pubsub.Binding) int {
		return cmp.Or(
			strings.Compare(a.Exchange, b.Exchange),
			strings.Compare(a.Queue, b.Queue),
			strings.Compare(a.ToExchange, b.ToExchange),
			strings.Compare(a.Key, b.Key),
		)
	})
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

// managementClient returns a client whose requests end with ctx.
func (c *Conn) managementClient(ctx context.Context) (_ *rabbithole.Client, closeIdle func(), err error) {
	user, password := c.addr.user, c.addr.password
	if u := c.management.User; u != nil {
		user = u.Username()
		password, _ = u.Password()
	}
	base := &http.Transport{Proxy: http.ProxyFromEnvironment}
	if c.tls != nil {
		base.TLSClientConfig = c.tls.Clone()
		base.TLSClientConfig.ServerName = "" // that of the management API's URL
	}
	client, err := rabbithole.NewTLSClient(c.managementBase(), user, password, boundTransport{ctx, base})
	return client, base.CloseIdleConnections, err
}

// managementBase is the URL without credentials.
func (c *Conn) managementBase() string {
	u := *c.management
	u.User = nil
	return strings.TrimSuffix(u.String(), "/")
}

// boundTransport makes requests end with a context: the client's methods don't
// take one.
type boundTransport struct {
	ctx  context.Context
	base http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t boundTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.base.RoundTrip(r.WithContext(t.ctx))
	if err == nil && resp.StatusCode == http.StatusUnauthorized {
		// The client's own error for this can be told only by its text.
		resp.Body.Close()
		return nil, errUnauthorized
	}
	return resp, err
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
