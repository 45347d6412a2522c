package natstest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// pollEvery is how often a condition is tried that nothing signals.
const pollEvery = 20 * time.Millisecond

// poll returns when ready returns nil or an error that is final, and with its last
// error when the context is done.
func poll(ctx context.Context, ready func(context.Context) error) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for began := time.Now(); ; {
		// A try is bounded, since without a leader a request stays without an
		// answer; and the bound grows, since on a busy machine all takes long.
		try, cancel := context.WithTimeout(ctx, 200*time.Millisecond+time.Since(began)/4)
		err := ready(try)
		cancel()
		if err == nil || final(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", context.Cause(ctx), err)
		case <-tick.C:
		}
	}
}

// final reports whether trying again would not help.
func final(err error) bool {
	return errors.Is(err, errPortTaken) ||
		errors.Is(err, jetstream.ErrStreamNotFound) || errors.Is(err, jetstream.ErrConsumerNotFound)
}

// greets returns nil when the server of this name answers on the port. A
// connection alone would not do: the port may have become somebody else's.
func greets(ctx context.Context, port int, name string) error {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp4", loopback(port))
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.SetDeadline(time.Now()) })()
	// The server speaks first: INFO and its description in JSON, on one line.
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		return err
	}
	if !strings.HasPrefix(line, "INFO ") || !strings.Contains(line, `"server_name":"`+name+`"`) {
		return fmt.Errorf("%w: on port %d there is another server: %.80q", errPortTaken, port, line)
	}
	return nil
}

// healthy returns nil when the server says that JetStream works and that its
// part of every stream and consumer is up to date. See
// https://docs.nats.io/running-a-nats-service/nats_admin/monitoring#health.
func healthy(ctx context.Context, port int) error {
	_, err := monitor(ctx, port, "/healthz")
	return err
}

// monitor asks a server's monitoring port.
func monitor(ctx context.Context, port int, path string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+loopback(port)+path, nil)
	if err != nil {
		return nil, err
	}
	req.Close = true // no connection, and no goroutine, is kept for another request
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", resp.Status, body)
	}
	return body, err
}
