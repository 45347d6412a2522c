package nats

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

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
	return c.checkJetStream(ctx)
}

// withoutJetStream is how long nobody may answer for JetStream until it counts as
// turned off: servers of a cluster that has just begun hear of each other.
const withoutJetStream = 3 * time.Second

// checkJetStream asks whether there is JetStream.
func (c *Conn) checkJetStream(ctx context.Context) error {
	late := time.Now().Add(withoutJetStream)
	return c.try(ctx, "ask for JetStream", func(ctx context.Context) error {
		var info struct {
			API struct {
				Level int64 `json:"level"` // 0 before version 2.11; nothing here needs more
			} `json:"api"`
		}
		err := c.request(ctx, "INFO", nil, &info)
		c.level.Store(info.API.Level)
		off := errors.Is(err, nats.ErrNoResponders) && time.Now().After(late)
		if off || isCode(err, codeNotEnabled, codeNotEnabledForAccount) {
			return fmt.Errorf("%w: JetStream is turned off, on nats-server %s or for the account; turn it on with nats-server -js, or the setting jetstream: enabled (%s)", pubsub.ErrUnsupported, c.nc.ConnectedServerVersion(), err)
		}
		return err
	})
}

// Of JetStream's error codes, those that say that it is off.
const (
	codeNotEnabled           = 10076
	codeNotEnabledForAccount = 10039
)

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
