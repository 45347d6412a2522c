package e2e

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// localBroker returns options with a local broker of the test's own, which has
// no host yet, and its folder.
func localBroker(t *testing.T) (options, string) {
	t.Helper()
	// Not t.TempDir: a socket's path must be short.
	dir, err := os.MkdirTemp("", "b")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return options{local: dir}, filepath.Join(dir, "bindery")
}

// host returns which process is the host.
func host(t *testing.T, folder string) int {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(folder, "broker.state"))
	if err != nil {
		t.Fatal(err)
	}
	id, _, _ := strings.Cut(string(b), "\n")
	parts := strings.Split(id, ".")
	if len(parts) != 3 {
		t.Fatalf("the state begins with %q, want a name, a process and a number", id)
	}
	pid, err := strconv.Atoi(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// hosted returns the session that is the host, and the others.
func hosted(t *testing.T, folder string, all ...*session) (it *session, others []*session) {
	t.Helper()
	pid := host(t, folder)
	for _, s := range all {
		if s.cmd.Process.Pid == pid {
			it = s
		} else {
			others = append(others, s)
		}
	}
	if it == nil {
		t.Fatalf("the host is process %d, which is none of the sessions", pid)
	}
	return it, others
}

// a feed is what types lines for an emit, with the number of each.
type feed struct {
	w    *io.PipeWriter
	next int
}

func newFeed(t *testing.T) (io.Reader, *feed) {
	r, w := io.Pipe()
	t.Cleanup(func() { r.Close(); w.Close() })
	return r, &feed{w: w}
}

// send types n lines.
func (f *feed) send(t *testing.T, n int) {
	t.Helper()
	var b strings.Builder
	for range n {
		fmt.Fprintf(&b, "line %d\n", f.next)
		f.next++
	}
	if _, err := io.WriteString(f.w, b.String()); err != nil {
		t.Error(err)
	}
}

func TestLocalTwoTerminals(t *testing.T) {
	o, folder := localBroker(t)
	r := spawn(t, o, "receive").bound(t)
	if pid := host(t, folder); pid != r.cmd.Process.Pid {
		t.Errorf("the host is process %d, want receive, %d", pid, r.cmd.Process.Pid)
	}
	e := spawn(t, o, "emit", "hello")
	e.ends(t, 0, "")
	r.waitOut(t, 1)
	r.signal(t, syscall.SIGINT)
	r.ends(t, 0, bound)
	if r.out() != "hello\n" || e.out() != " [x] Sent hello\n" {
		t.Errorf("receive printed %q and emit %q", r.out(), e.out())
	}
	if _, err := os.Lstat(filepath.Join(folder, "broker.sock")); !os.IsNotExist(err) {
		t.Errorf("the host has ended, and its socket is there still (%v)", err)
	}
}

func TestLocalNobodyListens(t *testing.T) {
	const note = "emit: nobody is listening: no queue gets what is sent so, and the broker drops it\n"
	o, _ := localBroker(t)
	spawn(t, o, "emit", "hello").ends(t, 0, note)
	o.stdin = strings.NewReader("one\ntwo\nthree\n")
	e := spawn(t, o, "emit")
	e.ends(t, 0, note) // once
	if want := " [x] Sent 3 messages\n"; e.out() != want {
		t.Errorf("emit printed %q, want %q", e.out(), want)
	}
	o.stdin = nil
	e = spawn(t, o, "emit", "--mandatory", "hello")
	if code := e.wait(t); code != 1 || !strings.Contains(e.stderr.String(), "unroutable") || strings.Contains(e.stderr.String(), note) {
		t.Errorf("emit --mandatory exited with %d and wrote %q", code, e.stderr)
	}
}

// TestLocalAtOnce starts ten receivers and two emitters at the same instant.
// There is one host, and all that is sent once a receiver waits reaches it,
// also when the host was an emitter that ends.
func TestLocalAtOnce(t *testing.T) {
	const (
		rounds = 5
		lines  = 200
	)
	for range rounds {
		o, folder := localBroker(t)
		var feeds [2]*feed
		var emitters [2]*session
		var receivers [10]*session
		var began sync.WaitGroup
		sets := make([]*set, len(receivers))
		for i := range receivers {
			sets[i] = newSet(3 * lines)
			receiving := o
			receiving.stdout = sets[i]
			began.Go(func() { receivers[i] = spawn(t, receiving, "receive") })
		}
		for i := range emitters {
			emitting := o
			emitting.stdin, feeds[i] = newFeed(t)
			feeds[i].next = i * lines
			began.Go(func() { emitters[i] = spawn(t, emitting, "emit") })
		}
		began.Wait()
		for _, r := range receivers {
			r.bound(t)
		}
		if n := listeners(t, folder); n != 1 {
			t.Errorf("there are %d hosts, want 1", n)
		}
		for i, f := range feeds {
			f.send(t, lines)
			f.w.Close()
			emitters[i].succeeds(t)
		}
		o.stdin, feeds[0] = newFeed(t)
		feeds[0].next = 2 * lines
		e := spawn(t, o, "emit")
		feeds[0].send(t, lines)
		feeds[0].w.Close()
		e.succeeds(t)
		for i, s := range sets {
			s.wait(t, 3*lines, receivers[i])
		}
		if n := listeners(t, folder); n != 1 {
			t.Errorf("there are %d hosts, want 1", n)
		}
		for _, r := range receivers {
			r.cmd.Process.Kill()
			r.wait(t)
		}
	}
}

// listeners counts the sockets that listen, or have, at the broker's path.
func listeners(t *testing.T, folder string) (n int) {
	t.Helper()
	b, err := os.ReadFile("/proc/net/unix")
	if err != nil {
		return 1 // no Linux: there is nothing to look at
	}
	for l := range strings.Lines(string(b)) {
		// Num RefCount Protocol Flags Type St Inode Path. The flag is that it
		// listens; the path is that of bind(2).
		if f := strings.Fields(l); len(f) == 8 && f[3] == "00010000" && strings.HasPrefix(f[7], folder+"/broker.sock") {
			n++
		}
	}
	return n
}

// TestLocalHostKilled kills the host while lines are streamed. The others go on,
// and what is sent from then on reaches all.
func TestLocalHostKilled(t *testing.T) {
	for _, args := range []string{"", "-Q audit-%d --durable"} {
		t.Run(args, func(t *testing.T) {
			o, folder := localBroker(t)
			var receivers []*session
			sets := make(map[*session]*set)
			for i := range 4 {
				receiving, s := o, newSet(0)
				receiving.stdout = s
				var words []string
				if args != "" {
					words = strings.Fields(fmt.Sprintf(args, i))
				}
				r := spawn(t, receiving, "receive", words...).bound(t)
				receivers, sets[r] = append(receivers, r), s
			}
			emitting := o
			var lines *feed
			emitting.stdin, lines = newFeed(t)
			var words []string
			if args != "" {
				words = []string{"--durable"}
			}
			e := spawn(t, emitting, "emit", words...)
			lines.send(t, 5000)
			first, others := hosted(t, folder, receivers...)
			sets[first].wait(t, 100, first) // in the midst of them
			if err := first.cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			first.wait(t)
			killed, from := time.Now(), lines.next
			lines.send(t, 1)
			for _, r := range others {
				sets[r].waitFor(t, fmt.Sprintf("line %d", from), r)
			}
			t.Logf("the others went on after %v", time.Since(killed)) // 2 s at most, but on a busy machine
			lines.send(t, 5000)
			lines.w.Close()
			e.succeeds(t)
			for _, r := range others {
				for i := from; i < lines.next; i++ {
					sets[r].waitFor(t, fmt.Sprintf("line %d", i), r)
				}
			}
			second, _ := hosted(t, folder, others...)
			for _, r := range others {
				who := "another program"
				if r == second {
					who = "this receive"
				}
				want := " [*] The local broker ended; " + who + " is its host now. What was only in its memory is gone.\n"
				if got := strings.TrimPrefix(r.stderr.String(), bound); got != want {
					t.Errorf("a receiver wrote %q, want %q", got, want)
				}
			}
		})
	}
}

// TestLocalHostLeaves ends the host in good order while lines are streamed:
// every line reaches the other receivers.
func TestLocalHostLeaves(t *testing.T) {
	const lines = 10_000
	for _, which := range []string{"receive", "emit"} {
		t.Run(which, func(t *testing.T) {
			o, folder := localBroker(t)
			var first *session
			hosting := o
			typed := make(chan struct{})
			if which == "receive" {
				first = spawn(t, hosting, "receive").bound(t)
				close(typed)
			} else {
				in, f := newFeed(t)
				hosting.stdin = in
				first = spawn(t, hosting, "emit")
				f.send(t, 1)
				first.stderr.waitFor(t, "note that nobody listens", first.ended, func(s string) bool { return strings.Contains(s, "nobody") })
				defer func() { <-typed }()
				go func() {
					defer close(typed)
					f.next = lines // that are not the other's
					for range 10 {
						f.send(t, lines/10)
					}
					f.w.Close()
				}()
			}
			if pid := host(t, folder); pid != first.cmd.Process.Pid {
				t.Fatalf("the host is process %d, want %d", pid, first.cmd.Process.Pid)
			}
			var receivers []*session
			var sets []*set
			for range 3 {
				receiving, s := o, newSet(lines)
				receiving.stdout = s
				receivers, sets = append(receivers, spawn(t, receiving, "receive").bound(t)), append(sets, s)
			}
			emitting := o
			var more *feed
			emitting.stdin, more = newFeed(t)
			e := spawn(t, emitting, "emit")
			more.send(t, lines/2)
			if which == "receive" {
				sets[0].wait(t, lines/10, receivers[0])
				first.signal(t, syscall.SIGINT)
			}
			more.send(t, lines/2)
			more.w.Close()
			e.succeeds(t)
			first.succeeds(t)
			for i, s := range sets {
				for n := range lines {
					s.waitFor(t, fmt.Sprintf("line %d", n), receivers[i])
				}
			}
			hosted(t, folder, receivers...)
		})
	}
}

// TestLocalLost: a host that takes messages with it says so.
func TestLocalLost(t *testing.T) {
	o, _ := localBroker(t)
	first := spawn(t, o, "receive", "-e", "others").bound(t)
	r := spawn(t, o, "receive", "-Q", "work").bound(t)
	r.signal(t, syscall.SIGTERM)
	r.ends(t, 0, bound)
	spawn(t, o, "emit", "hello").ends(t, 0, "") // it waits in the queue
	first.signal(t, syscall.SIGTERM)
	first.ends(t, 0, bound+" [*] This receive was the local broker's host: what nobody had taken is gone with it (1 message).\n")
}

// TestLocalStale: what a killed host has left is in nobody's way.
func TestLocalStale(t *testing.T) {
	o, folder := localBroker(t)
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"broker.sock", "broker.sock.new"} {
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(folder, name), Net: "unix"})
		if err != nil {
			t.Fatal(err)
		}
		l.SetUnlinkOnClose(false)
		l.Close()
	}
	for name, text := range map[string]string{"broker.lock": "", "broker.state": "receive.999999999.1\nreceive.999999999.1\n\x00.x", "broker.state.new": "recei"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r := spawn(t, o, "receive").bound(t)
	spawn(t, o, "emit", "hello").ends(t, 0, "")
	r.waitOut(t, 1)
}

// TestLocalFolder: nobody else gets at the broker.
func TestLocalFolder(t *testing.T) {
	o, folder := localBroker(t)
	spawn(t, o, "receive").bound(t)
	for path, want := range map[string]os.FileMode{
		folder:         os.ModeDir | 0o700,
		"broker.sock":  os.ModeSocket | 0o600,
		"broker.lock":  0o600,
		"broker.state": 0o600,
	} {
		if !filepath.IsAbs(path) {
			path = filepath.Join(folder, path)
		}
		info, err := os.Lstat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != want {
			t.Errorf("%s has the mode %v, want %v", path, info.Mode(), want)
		}
	}
	for what, make := range map[string]func(path string) error{
		"is open to other users: its mode is 0755": func(path string) error {
			if err := os.Mkdir(path, 0o755); err != nil {
				return err
			}
			return os.Chmod(path, 0o755) // whatever the umask is
		},
		"is no folder": func(path string) error { return os.Symlink(folder, path) },
	} {
		o, folder := localBroker(t)
		if err := make(folder); err != nil {
			t.Fatal(err)
		}
		e := spawn(t, o, "emit", "hello")
		if code := e.wait(t); code != 1 || !strings.Contains(e.stderr.String(), folder+" "+what) || strings.Count(e.stderr.String(), "\n") != 1 {
			t.Errorf("emit exited with %d and wrote %q, want 1 and a line with %q", code, e.stderr, what)
		}
	}
}
