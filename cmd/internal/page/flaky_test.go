package page

import (
	"context"
	"fmt"
	"sync"

	"github.com/gobindery/bindery/pubsub"
)

var errUnplugged = fmt.Errorf("%w: it was unplugged", pubsub.ErrUnavailable)

// flaky is a broker that can be made to fail.
type flaky struct {
	Broker

	mu  sync.Mutex
	err error
}

func (f *flaky) set(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

func (f *flaky) Topology(ctx context.Context) (pubsub.Topology, error) {
	f.mu.Lock()
	err := f.err
	f.mu.Unlock()
	if err != nil {
		return pubsub.Topology{}, err
	}
	return f.Broker.Topology(ctx)
}
