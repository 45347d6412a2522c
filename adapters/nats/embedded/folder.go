package embedded

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/gobindery/bindery/pubsub"
)

// folder is one that this process uses. Whoever has the lock on its file "lock"
// runs its server, and writes the server's URL to the file nats.url.
type folder struct {
	path    string
	options Options // of the first connection
	users   int     // connections; guarded by folders.mu

	mu     sync.Mutex
	server *running // nil while another process runs it
	ended  bool
}

// folders are all that this process uses, by path.
var folders struct {
	mu   sync.Mutex
	used map[string]*folder
}

// enter counts one more connection to a folder.
func enter(path string, o *Options) (*folder, error) {
	path, err := filepath.Abs(path)
	if err == nil {
		err = os.MkdirAll(path, 0o700)
	}
	if err == nil {
		path, err = filepath.EvalSymlinks(path) // the same folder is the same path
	}
	if err != nil {
		return nil, fmt.Errorf("%w: make the folder of the embedded NATS server: %w", pubsub.ErrUnavailable, err)
	}
	folders.mu.Lock()
	defer folders.mu.Unlock()
	f := folders.used[path]
	if f == nil {
		f = &folder{path: path, options: *o}
		if folders.used == nil {
			folders.used = make(map[string]*folder)
		}
		folders.used[path] = f
	}
	f.users++
	return f, nil
}

// leave counts one connection less. With the last, the server ends.
func (f *folder) leave() {
	folders.mu.Lock()
	defer folders.mu.Unlock()
	if f.users--; f.users > 0 {
		return
	}
	delete(folders.used, f.path)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ended = true
	if f.server != nil {
		os.Remove(f.file("nats.url")) // best effort: who dials it finds nobody
		f.server.stop()
		f.server = nil
	}
}

func (f *folder) file(name string) string { return filepath.Join(f.path, name) }

// pause is between two looks at what another process does.
const pause = 20 * time.Millisecond

// ready returns when the server takes connections, wherever it runs.
func (f *folder) ready(ctx context.Context) error {
	for late := time.Now().Add(patience); ; {
		u, err := f.find()
		if err == nil {
			var conn net.Conn
			if conn, err = net.DialTimeout("tcp", u.Host, patience); err == nil {
				return conn.Close()
			}
		}
		switch {
		case ctx.Err() != nil:
			return fmt.Errorf("open the folder %s: %w", f.path, context.Cause(ctx))
		case !errors.Is(err, errElsewhere) && !refused(err), time.Now().After(late):
			return fmt.Errorf("%w: open the folder %s: %w", pubsub.ErrUnavailable, f.path, err)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
}

// refused reports whether a server was dialed that is gone.
func refused(err error) bool {
	_, ok := errors.AsType[*net.OpError](err)
	return ok
}

// errElsewhere is why there is no URL yet.
var errElsewhere = errors.New("another process has the folder in use, but its server doesn't say where it listens")

// find returns where the server is, and starts it if nobody runs it.
func (f *folder) find() (*url.URL, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ended {
		return nil, pubsub.ErrClosed
	}
	if f.server != nil {
		return f.server.url, nil
	}
	lock, err := tryLock(f.file("lock"))
	if err != nil {
		return nil, err
	}
	if lock == nil {
		text, err := os.ReadFile(f.file("nats.url"))
		if errors.Is(err, os.ErrNotExist) {
			return nil, errElsewhere
		}
		if err != nil {
			return nil, err
		}
		return url.Parse(strings.TrimSpace(string(text)))
	}
	f.server, err = f.run(lock)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return f.server.url, nil
}

// run starts the server.
func (f *folder) run(lock *os.File) (*running, error) {
	path := f.file("nats.url")
	// One that was killed has left its own.
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	r, err := startServer(f.path, &f.options)
	if err != nil {
		return nil, err
	}
	unready := path + ".new"
	if err = os.WriteFile(unready, []byte(r.url.String()+"\n"), 0o600); err == nil {
		err = os.Rename(unready, path)
	}
	if err != nil {
		r.stop()
		return nil, err
	}
	r.lock = lock
	return r, nil
}
