package interop

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// serveVariable makes the test binary a server alone, which prints its address
// and ends with its standard input. So what a server takes can be measured
// without its clients.
const serveVariable = "BINDERY_INTEROP_SERVE"

// serveAlone is the life of such a process.
func serveAlone() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(l.Addr())
	s := server()
	go func() {
		io.Copy(io.Discard, os.Stdin)
		s.Close()
	}()
	s.Serve(l)
	os.Exit(0)
}

// process is a server that runs in a process of its own.
type process struct {
	url string
	pid int
}

// alone starts the server in a process, until the benchmark ends.
func alone(tb testing.TB) process {
	tb.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), serveVariable+"=1")
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	must(tb, err)
	stdout, err := cmd.StdoutPipe()
	must(tb, err)
	must(tb, cmd.Start())
	tb.Cleanup(func() {
		stdin.Close()
		cmd.Wait()
	})
	address, err := bufio.NewReader(stdout).ReadString('\n')
	must(tb, err)
	return process{"amqp://guest:guest@" + strings.TrimSpace(address) + "/", cmd.Process.Pid}
}

// beam returns the Erlang VM that this process has started, or a process that
// it started has.
func beam(tb testing.TB) int {
	tb.Helper()
	folders, err := os.ReadDir("/proc")
	must(tb, err)
	parents := make(map[int]int)
	var found []int
	for _, f := range folders {
		pid, err := strconv.Atoi(f.Name())
		if err != nil {
			continue
		}
		name, fields := stat(pid)
		if fields == nil {
			continue // it has ended
		}
		parents[pid], _ = strconv.Atoi(fields[1])
		if name == "beam.smp" {
			found = append(found, pid)
		}
	}
	for _, pid := range found {
		for p := pid; p != 0; p = parents[p] {
			if p == os.Getpid() {
				return pid
			}
		}
	}
	tb.Fatal("RabbitMQ's process is not found: the benchmark needs a private node on Linux")
	return 0
}

// stat returns a process's name and the fields after it: see proc_pid_stat(5).
func stat(pid int) (name string, fields []string) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", nil
	}
	s := string(b)
	end := strings.LastIndexByte(s, ')')
	return s[strings.IndexByte(s, '(')+1 : end], strings.Fields(s[end+1:])
}

// cpu returns the time that the process's threads have run. Linux counts it in
// hundredths of a second.
func (p process) cpu(tb testing.TB) time.Duration {
	tb.Helper()
	_, fields := stat(p.pid)
	if fields == nil {
		tb.Fatalf("the server's process %d is gone", p.pid)
	}
	var sum time.Duration
	for _, f := range fields[11:13] { // utime, stime
		n, err := strconv.Atoi(f)
		must(tb, err)
		sum += time.Duration(n) * 10 * time.Millisecond
	}
	return sum
}

// resident returns how many bytes of the process are in memory.
func (p process) resident(tb testing.TB) int {
	tb.Helper()
	_, fields := stat(p.pid)
	if fields == nil {
		tb.Fatalf("the server's process %d is gone", p.pid)
	}
	n, err := strconv.Atoi(fields[21]) // rss, in pages
	must(tb, err)
	return n * os.Getpagesize()
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}
