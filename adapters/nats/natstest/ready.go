package natstest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// pollEvery is how often a condition is tried that nothing signals.
const pollEvery = 5 * time.Millisecond

// poll returns when ready returns nil, and with its last error when the context
// is done.
func poll(ctx context.Context, ready func(context.Context) error) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		// Bounded, so that one lost answer is not waited for to the end.
		try, cancel := context.WithTimeout(ctx, 5*time.Second)
		err := ready(try)
		cancel()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", context.Cause(ctx), err)
		case <-tick.C:
		}
	}
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
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+loopback(port)+"/healthz", nil)
	if err != nil {
		return err
	}
	req.Close = true // no connection, and no goroutine, is kept for another request
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", resp.Status, body)
	}
	return err
}
