package natstest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
)

// errPortTaken is the start's reason to choose other ports and begin again.
var errPortTaken = errors.New("another process took one of the ports")

// ports are what a server listens on, all on 127.0.0.1.
type ports struct{ client, monitor, route int }

// loopback is the address of a port on this machine.
func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// freePorts finds the ports of n servers, on which nobody listens.
//
// It looks below the range from which the kernel takes the ports of outgoing
// connections: a port in that range could be lost while its server is down, to
// a client that dials it again and again and is given that very port as its own.
func freePorts(n int) ([]ports, error) {
	const lowest = 20000
	width := ephemeralStart() - lowest
	var free []int
	for range 200 {
		address := "127.0.0.1:0"
		if width >= 1000 {
			address = loopback(lowest + rand.IntN(width))
		}
		l, err := net.Listen("tcp4", address)
		if err != nil {
			continue
		}
		defer l.Close() // held until all are found, so that none is found twice
		free = append(free, l.Addr().(*net.TCPAddr).Port)
		if len(free) == 3*n {
			found := make([]ports, n)
			for i := range found {
				found[i] = ports{free[3*i], free[3*i+1], free[3*i+2]}
			}
			return found, nil
		}
	}
	return nil, fmt.Errorf("find %d free ports on 127.0.0.1: found only %d", 3*n, len(free))
}

// ephemeralStart is the first port of outgoing connections, or 0 if unknown.
func ephemeralStart() int {
	var first int
	if text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range"); err == nil {
		fmt.Sscan(string(text), &first)
	}
	return first
}
