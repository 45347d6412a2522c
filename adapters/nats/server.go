package nats

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/gobindery/bindery/pubsub"
)

// The oldest server that this works with. What it needs of it is: one consumer on a work
// queue, duplicates found by id, and the next message of a subject by sequence.
const (
	oldestMajor = 2
	oldestMinor = 9
)

// checkServer refuses servers that lack what is needed.
func (c *Conn) checkServer(ctx context.Context) error {
	version := c.nc.ConnectedServerVersion()
	if major, minor, ok := parseVersion(version); ok && (major < oldestMajor || major == oldestMajor && minor < oldestMinor) {
		return fmt.Errorf("%w: the server is nats-server %s; version %d.%d or later is needed", pubsub.ErrUnsupported, version, oldestMajor, oldestMinor)
	}
	return c.try(ctx, "ask for JetStream", func(ctx context.Context) error {
		return c.request(ctx, "INFO", nil, nil)
	})
}

// parseVersion reads the first two numbers of a version.
func parseVersion(s string) (major, minor int, ok bool) {
	first, rest, _ := strings.Cut(strings.TrimPrefix(s, "v"), ".")
	second, _, _ := strings.Cut(rest, ".")
	major, err := strconv.Atoi(first)
	if err != nil {
		return 0, 0, false
	}
	minor, err = strconv.Atoi(second)
	return major, minor, err == nil
}
