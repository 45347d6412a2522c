package topology

import (
	"context"
	"errors"
	"fmt"

	"github.com/gobindery/bindery/pubsub"
)

// Check fails if something wanted is missing or not equal, with a
// [*MismatchError] that lists all of it. What is there beyond that is fine. It
// changes nothing.
//
// On a broker that can't list what there is, as RabbitMQ without its management
// plugin, it asks for each exchange and queue by name. That tells what is
// missing. If nothing is, it still can't vouch for the rest, and the error
// wraps [pubsub.ErrUnsupported].
func Check(ctx context.Context, b *pubsub.Broker, want pubsub.Topology) error {
	have, err := b.Topology(ctx)
	if errors.Is(err, pubsub.ErrUnsupported) {
		return checkNames(ctx, b, want, err)
	}
	if err != nil {
		return err
	}
	var wrong []Change
	for _, c := range Diff(want, have, nil) {
		if c.Action != Delete {
			wrong = append(wrong, c)
		}
	}
	return mismatch(wrong)
}

func mismatch(wrong []Change) error {
	if len(wrong) == 0 {
		return nil
	}
	return &MismatchError{wrong}
}

// checkNames asks for what is wanted by name: AMQP's passive declares look at
// nothing else. why says why nothing can be listed.
func checkNames(ctx context.Context, b *pubsub.Broker, want pubsub.Topology, why error) error {
	var missing []Change
	asked := 0
	for _, c := range Diff(want, pubsub.Topology{}, nil) {
		var err error
		switch {
		case c.Exchange != nil:
			err = b.CheckExchange(ctx, c.Exchange.Name)
		case c.Queue != nil:
			_, err = b.InspectQueue(ctx, c.Queue.Name)
		default:
			continue
		}
		asked++
		switch {
		case errors.Is(err, pubsub.ErrNotFound):
			missing = append(missing, c)
		case errors.Is(err, pubsub.ErrResourceLocked): // it is there
		case err != nil:
			return err
		}
	}
	if len(missing) > 0 {
		return mismatch(missing)
	}
	return fmt.Errorf("check the topology: the %d exchanges and queues are there, but whether they and the bindings are as wanted can't be seen: %w", asked, why)
}
