// Package portblock keeps ports of this machine for servers that tests start: two
// tests, in one process or in several, never get the same ones.
//
// A test can't bind a port for its server, and a server that is down has none bound. So
// a port that was free a moment ago may be another server's by the time that it is
// needed, and a client that dials it meets the wrong one.
package portblock

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
)

// Ports are chosen from these blocks, of a guard and what may be reserved.
const (
	lowest = 20000
	size   = 8

	// ephemeral is where the ports of outgoing connections begin as IANA has it, for
	// systems that don't tell.
	ephemeral = 49152
)

// Block is some ports on 127.0.0.1, one after another. Its methods are safe for
// concurrent use.
type Block struct {
	guard net.Listener
	first int
	n     int
}

// Reserve returns a block of n ports, 7 at most, on which nobody listens. Until
// Release, or the end of the process, nobody else who uses this package gets them.
//
// They are below the range from which the kernel takes the ports of outgoing
// connections. A port in that range could be lost while its server is down: a client
// that dials it again and again is in time given that very port as its own, is
// then connected to itself, and the server cannot start again.
func Reserve(n int) (*Block, error) {
	if n < 1 || n >= size {
		return nil, fmt.Errorf("reserve %d ports: from 1 to %d can be had", n, size-1)
	}
	blocks := (ephemeralStart() - lowest) / size
	const tries = 200
	for range tries {
		if b, ok := reserveAt(lowest+size*rand.IntN(blocks)+1, n); ok {
			return b, nil
		}
	}
	return nil, fmt.Errorf("reserve %d ports on 127.0.0.1: in %d of the blocks from %d to %d there was one taken", n, tries, lowest, lowest+size*blocks)
}

// reserveAt returns the block that begins at a port, if it is free.
func reserveAt(first, n int) (*Block, bool) {
	// Whoever has the block listens on the port before it. Only one can, and
	// the kernel lets it go when the process ends, however it does.
	guard, err := net.Listen("tcp4", loopback(first-1))
	if err != nil {
		return nil, false
	}
	b := &Block{guard: guard, first: first, n: n}
	if !b.free() {
		b.Release()
		return nil, false
	}
	return b, true
}

// Port returns one of the ports, from 0 on.
func (b *Block) Port(i int) int {
	if i < 0 || i >= b.n {
		panic(fmt.Sprintf("portblock: port %d of a block of %d", i, b.n))
	}
	return b.first + i
}

// Release lets others have the block. A second time does nothing.
func (b *Block) Release() { b.guard.Close() }

// free reports whether nobody listens on any of the ports, as somebody who does not
// use this package may.
func (b *Block) free() bool {
	for i := range b.n {
		l, err := net.Listen("tcp4", loopback(b.Port(i)))
		if err != nil {
			return false
		}
		l.Close()
	}
	return true
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// ephemeralStart is the first port of outgoing connections. A range that begins so
// low that it leaves few blocks is not heeded.
func ephemeralStart() int {
	var first int
	if text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range"); err == nil {
		fmt.Sscan(string(text), &first)
	}
	if first < lowest+100*size {
		return ephemeral
	}
	return first
}
