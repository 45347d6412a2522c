package rabbitmqtest

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Another process takes a port after it was chosen: first that of epmd, then
// that of AMQP; then each of them is another node's, which answers as the new one would.
// The fifth start works.
func TestStartAgainOnTakenPort(t *testing.T) {
	t.Parallel()
	server, err := Install(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	taken := l.Addr().(*net.TCPAddr).Port

	ctx, cancel := context.WithTimeout(t.Context(), startLimit)
	defer cancel()
	other, err := start(ctx, Options{Server: server, WithoutManagement: true}, reservePorts, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Stop()

	var round int
	pick := func() (ports, error) {
		found, err := reservePorts()
		switch round++; round {
		case 1:
			found.epmd = taken
		case 2:
			found.amqp = taken
		case 3:
			found.epmd = other.ports.epmd
		case 4:
			found.amqp = other.ports.amqp
		}
		return found, err
	}
	n, err := start(ctx, Options{Server: server, WithoutManagement: true}, pick, 5)
	if err != nil {
		t.Fatal(err)
	}
	defer n.Stop()
	if round != 5 {
		t.Errorf("started in round %d, want 5", round)
	}
	if p := n.ports; p.amqp == taken || p.epmd == taken || p.amqp == other.ports.amqp || p.epmd == other.ports.epmd {
		t.Errorf("the node runs on a taken port: %+v", p)
	}
}

func TestStartGivesUpOnTakenPorts(t *testing.T) {
	t.Parallel()
	server, err := Install(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, err = start(t.Context(), Options{Server: server}, func() (ports, error) {
		found, err := reservePorts()
		found.epmd = l.Addr().(*net.TCPAddr).Port
		return found, err
	}, 3)
	if !errors.Is(err, errPortTaken) || !strings.Contains(err.Error(), "3 times") {
		t.Errorf("got %v", err)
	}
}

func TestFindServer(t *testing.T) {
	root := t.TempDir()
	file := func(mode os.FileMode, parts ...string) string {
		name := filepath.Join(append([]string{root}, parts...)...)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte("#!/bin/sh\n"), mode); err != nil {
			t.Fatal(err)
		}
		return name
	}
	plain := file(0o755, "plain", "rabbitmq-server")
	file(0o644, "not-executable", "rabbitmq-server")
	real := file(0o755, "lib", "rabbitmq-server")
	wrapper := file(0o755, "lib", "rabbitmq-script-wrapper")
	if err := os.MkdirAll(filepath.Join(root, "sbin"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(wrapper, filepath.Join(root, "sbin", "rabbitmq-server")); err != nil {
		t.Fatal(err)
	}
	in := func(names ...string) string {
		for i := range names {
			names[i] = filepath.Join(root, names[i])
		}
		return strings.Join(names, string(filepath.ListSeparator))
	}
	for _, c := range []struct {
		name, path string
		places     []string
		want       string
	}{
		{"in the path", in("empty", "plain"), nil, plain},
		{"the path comes first", in("plain"), []string{in("lib")}, plain},
		{"in a known place", in("empty"), []string{in("lib")}, real},
		{"behind Debian's wrapper", in("sbin"), nil, real},
		{"not executable", in("not-executable", "plain"), nil, plain},
		{"empty path", "", []string{in("plain")}, plain},
	} {
		got, err := findServer(c.path, c.places)
		if got != c.want || err != nil {
			t.Errorf("%s: got %q, %v, want %q", c.name, got, err, c.want)
		}
	}
	_, err := findServer(in("empty"), []string{"/no/such/place"})
	if err == nil || !strings.Contains(err.Error(), "/no/such/place") {
		t.Errorf("nothing installed: got %v", err)
	}
}

func TestForbidServices(t *testing.T) {
	ask := func(policy, service string) int {
		cmd := exec.Command(policy, service, "start")
		cmd.Run()
		return cmd.ProcessState.ExitCode()
	}
	policy := filepath.Join(t.TempDir(), "policy-rc.d")
	allow, err := forbidServices(policy, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	for service, want := range map[string]int{
		"rabbitmq-server": forbidden, "rabbitmq-server.service": forbidden, "epmd": forbidden, "epmd.socket": forbidden,
		"ssh": 0,
	} {
		if got := ask(policy, service); got != want {
			t.Errorf("%s: the policy exits with %d, want %d", service, got, want)
		}
	}

	// The policy of a process that died half-way forbids nothing.
	text, err := os.ReadFile(policy)
	if err != nil {
		t.Fatal(err)
	}
	dead := exec.Command("true")
	if err := dead.Run(); err != nil {
		t.Fatal(err)
	}
	orphan := filepath.Join(t.TempDir(), "policy-rc.d")
	theirs := strings.ReplaceAll(string(text), "/proc/"+itoa(os.Getpid()), "/proc/"+itoa(dead.Process.Pid))
	if theirs == string(text) {
		t.Fatal("the policy does not look at its process")
	}
	if err := os.WriteFile(orphan, []byte(theirs), 0o755); err != nil {
		t.Fatal(err)
	}
	if got := ask(orphan, "rabbitmq-server"); got != 0 {
		t.Errorf("the policy of a dead process exits with %d", got)
	}

	// A policy that is there already is left alone.
	again, err := forbidServices(orphan, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if now, _ := os.ReadFile(orphan); string(now) != theirs {
		t.Error("the existing policy was changed")
	}
	_ = again // it would stop the machine's own service

	allow()
	if _, err := os.Stat(policy); !os.IsNotExist(err) {
		t.Errorf("the policy is left: %v", err)
	}
}

func TestLockFolder(t *testing.T) {
	dir := t.TempDir()
	unlock, err := lockFolder(t.Context(), dir)
	if errors.Is(err, errors.ErrUnsupported) {
		t.Log("no locks on this system: Install works on Linux only")
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := lockFolder(ctx, dir); !errors.Is(err, context.Canceled) {
		t.Errorf("locked twice: %v", err)
	}
	second := make(chan error)
	go func() {
		unlock, err := lockFolder(t.Context(), dir)
		if err == nil {
			unlock()
		}
		second <- err
	}()
	unlock()
	if err := <-second; err != nil {
		t.Errorf("after unlock: %v", err)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("the lock left %v", left)
	}
}

func TestSweepAbandoned(t *testing.T) {
	parent := t.TempDir()
	used, err := newFolder(parent)
	if err != nil {
		t.Fatal(err)
	}
	abandoned, err := newFolder(parent)
	if err != nil {
		t.Fatal(err)
	}
	abandoned.owner.Close() // as the kernel does for a dead process
	unrelated := filepath.Join(parent, folderPrefix+"of-somebody-else")
	if err := os.Mkdir(unrelated, 0o755); err != nil {
		t.Fatal(err)
	}

	sweepAbandoned(parent)
	for path, want := range map[string]bool{used.path: true, abandoned.path: false, unrelated: true} {
		if _, err := os.Stat(path); (err == nil) != want {
			t.Errorf("%s: got %v, want there = %v", filepath.Base(path), err, want)
		}
	}
	if err := used.remove(); err != nil {
		t.Error(err)
	}
}

func TestProcessKeepsTail(t *testing.T) {
	p, err := startProcess(exec.Command("sh", "-c", "yes line | head -n 10000; echo the end; exit 3"))
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.ended.Done():
	case <-time.After(time.Minute):
		t.Fatal("the process does not end")
	}
	var exit *exec.ExitError
	if !errors.As(p.err, &exit) || exit.ExitCode() != 3 {
		t.Errorf("got %v, want exit status 3", p.err)
	}
	out := p.output.String()
	if len(out) != p.output.limit || !strings.HasSuffix(out, "line\nthe end\n") {
		t.Errorf("kept %d bytes, ending with %q", len(out), out[max(0, len(out)-20):])
	}
	p.kill() // once more does nothing
}
