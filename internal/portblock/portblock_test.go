package portblock

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// reserve reserves so many blocks that some would meet by chance.
func reserve(t testing.TB, n int) (blocks []*Block) {
	t.Helper()
	for range 200 {
		b, err := Reserve(n)
		if err != nil {
			t.Fatal(err)
		}
		blocks = append(blocks, b)
	}
	return blocks
}

func TestReserve(t *testing.T) {
	seen := map[int]bool{}
	for _, b := range reserve(t, size-1) {
		defer b.Release()
		for i := range size - 1 {
			p := b.Port(i)
			if seen[p] {
				t.Fatalf("port %d was given twice", p)
			}
			seen[p] = true
			if p <= lowest || p >= ephemeralStart() {
				t.Errorf("port %d is not within %d and %d", p, lowest, ephemeralStart())
			}
			l, err := net.Listen("tcp4", loopback(p))
			if err != nil {
				t.Fatalf("a reserved port can't be used: %v", err)
			}
			l.Close()
		}
	}
}

// Two processes never have the same ports, though they listen on none.
func TestReserveInTwoProcesses(t *testing.T) {
	const variable = "PORTBLOCK_TEST_CHILD"
	if os.Getenv(variable) != "" {
		for _, b := range reserve(t, 1) {
			fmt.Println("port", b.Port(0))
		}
		fmt.Println("all")
		os.Stdin.Read(make([]byte, 1)) // until the parent has looked
		return
	}
	ours := map[string]bool{}
	for _, b := range reserve(t, 1) {
		defer b.Release()
		ours[fmt.Sprint("port ", b.Port(0))] = true
	}
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestReserveInTwoProcesses$")
	child.Env = append(os.Environ(), variable+"=1")
	stdin, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	theirs := 0
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		line := lines.Text()
		if ours[line] {
			t.Errorf("both have %s", line)
		}
		if strings.HasPrefix(line, "port ") {
			theirs++
		}
		if line == "all" {
			stdin.Close()
		}
	}
	if err := child.Wait(); err != nil || theirs != len(ours) {
		t.Errorf("the other process has %d ports, and ended with %v; want %d", theirs, err, len(ours))
	}
}

// A block with a port that somebody listens on is passed over, and stays free itself.
func TestTakenPort(t *testing.T) {
	b, err := Reserve(2)
	if err != nil {
		t.Fatal(err)
	}
	b.Release()
	l, err := net.Listen("tcp4", loopback(b.Port(1)))
	if err != nil {
		t.Fatal(err)
	}
	if again, ok := reserveAt(b.first, 2); ok {
		again.Release()
		t.Error("a block was reserved though somebody listens on a port of it")
	}
	l.Close()
	again, ok := reserveAt(b.first, 2)
	if !ok {
		t.Fatal("the block can't be reserved once nobody listens there")
	}
	again.Release()
}

func TestRelease(t *testing.T) {
	b, err := Reserve(1)
	if err != nil {
		t.Fatal(err)
	}
	guard := loopback(b.first - 1)
	if l, err := net.Listen("tcp4", guard); err == nil {
		l.Close()
		t.Fatal("nothing guards the block")
	}
	b.Release()
	b.Release()
	l, err := net.Listen("tcp4", guard)
	if err != nil {
		t.Fatalf("after its release: %v", err)
	}
	l.Close()
}

func TestTooMany(t *testing.T) {
	for _, n := range []int{-1, 0, size} {
		if b, err := Reserve(n); err == nil {
			b.Release()
			t.Errorf("%d ports were reserved", n)
		}
	}
}
