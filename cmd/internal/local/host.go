package local

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/gobindery/bindery/adapters/amqpserver"
	"github.com/gobindery/bindery/adapters/memory"
	"github.com/gobindery/bindery/pubsub"
)

const (
	// returnLimit is how long a new host holds publishes for receivers of the
	// last one that run and are not back.
	returnLimit = 1500 * time.Millisecond

	// drainLimit is how long a host that leaves waits for receivers that take
	// nothing meanwhile.
	drainLimit = time.Second

	// byeLimit is how long it then waits for clients to take their leave.
	byeLimit = time.Second

	// poll is the pause between two looks at what tells of no change by itself.
	poll = 5 * time.Millisecond
)

// host serves the local broker. It owns the lock.
type host struct {
	folder string
	id     identity
	lock   *os.File
	memory *memory.Server
	server *amqpserver.Server
	gate   *gate

	stop    chan struct{}  // closed when it leaves
	running sync.WaitGroup // Serve, and what waits for receivers
	served  error          // what Serve returned

	mu        sync.Mutex
	frozen    bool             // what is written down stays for the next host
	receivers map[identity]int // how many connections of each consume
	missing   map[identity]bool
	back      chan struct{} // closed when none is missing
}

// next ends the names of files that replace others once they are whole.
const next = ".new"

func socketPath(folder string) string { return filepath.Join(folder, "broker.sock") }
func lockPath(folder string) string   { return filepath.Join(folder, "broker.lock") }

// tryHost becomes the host, or returns nil if there is one.
func tryHost(folder string, id identity, log *slog.Logger) (*host, error) {
	lock, err := tryLock(lockPath(folder))
	if lock == nil {
		return nil, err
	}
	h := &host{
		folder: folder, id: id, lock: lock, memory: memory.NewServer(), gate: newGate(), stop: make(chan struct{}),
		receivers: make(map[identity]int), missing: make(map[identity]bool), back: make(chan struct{}),
	}
	h.server = &amqpserver.Server{
		Connect:      h.connect,
		Authenticate: func(string, string) bool { return true }, // who gets at the socket is the user
		Logger:       log,
		MemoryLimit:  memoryLimit,
	}
	if err := h.start(); err != nil {
		lock.Close()
		return nil, err
	}
	return h, nil
}

// memoryLimit is how much of this program's memory messages may take until who
// sends more waits: it is an emit or a receive, whose user did not mean to run a broker.
const memoryLimit = 1 << 30

// start listens and serves.
func (h *host) start() error {
	last, err := readState(h.folder)
	if err != nil {
		return err
	}
	for _, id := range last.receivers {
		if id.runs() {
			h.missing[id] = true
		}
	}
	h.gate.set(len(h.missing) > 0, false)
	if err := h.write(); err != nil {
		return err
	}
	l, err := listen(socketPath(h.folder))
	if err != nil {
		return fmt.Errorf("serve the local broker: %w", err)
	}
	h.running.Go(func() { h.served = h.server.Serve(l) })
	if len(h.missing) > 0 {
		h.running.Go(h.awaitReceivers)
	}
	return nil
}

// listen listens on a socket, which is at path once it does: whoever dialed
// before got to the old one, or to none.
func listen(path string) (net.Listener, error) {
	unready := path + next
	if err := os.Remove(unready); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: unready, Net: "unix"})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false)
	if err = os.Chmod(unready, 0o600); err == nil {
		err = os.Rename(unready, path)
	}
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// connect is what stands behind a connection. Its user is who connects.
func (h *host) connect(_ context.Context, l amqpserver.Login) (pubsub.Adapter, error) {
	if l.VHost != "/" {
		return nil, fmt.Errorf("%w: vhost %s", pubsub.ErrNotFound, l.VHost)
	}
	return &member{Adapter: h.memory.Connect(&memory.ConnectOptions{User: l.User}), host: h, id: identity(l.User)}, nil
}

// awaitReceivers opens the gate once those of the last host are back.
func (h *host) awaitReceivers() {
	late := time.NewTimer(returnLimit)
	defer late.Stop()
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for waits := true; waits; {
		select {
		case <-tick.C:
			h.forget(func(id identity) bool { return !id.runs() })
		case <-h.back:
			waits = false
		case <-late.C:
			waits = false
		case <-h.stop:
			return // the gate is in other hands
		}
	}
	h.forget(func(identity) bool { return true })
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.frozen {
		h.gate.set(false, false)
	}
}

// forget waits no longer for receivers.
func (h *host) forget(gone func(identity) bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for id := range h.missing {
		if gone(id) {
			h.returnedLocked(id)
		}
	}
}

func (h *host) returnedLocked(id identity) {
	if !h.missing[id] {
		return
	}
	delete(h.missing, id)
	if len(h.missing) == 0 {
		close(h.back)
	}
}

// join notes that a receiver consumes.
func (h *host) join(id identity) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.receivers[id]++
	h.returnedLocked(id)
	return h.writeLocked()
}

// left notes that a receiver has gone.
func (h *host) left(id identity) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.frozen {
		return
	}
	if h.receivers[id]--; h.receivers[id] == 0 {
		delete(h.receivers, id)
	}
	// If that fails, the next host finds out that the receiver doesn't run.
	_ = h.writeLocked()
}

func (h *host) write() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.writeLocked()
}

// writeLocked writes down who must be back before the next host takes
// publishes. That includes who isn't back on this one: it may end too.
func (h *host) writeLocked() error {
	all := slices.AppendSeq(slices.Collect(maps.Keys(h.receivers)), maps.Keys(h.missing))
	slices.Sort(all)
	return state{h.id, slices.Compact(all)}.write(h.folder)
}
