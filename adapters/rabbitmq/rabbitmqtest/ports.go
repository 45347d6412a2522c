package rabbitmqtest

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

// ports are what a node listens on, all on 127.0.0.1.
type ports struct {
	amqp, tls, management int
	dist, epmd            int // of the Erlang VM and of its port mapper
}

// choosePorts chooses all ports of a node, whether it will use them or not.
func choosePorts(pick func(int) ([]int, error)) (ports, error) {
	p, err := pick(5)
	if err != nil {
		return ports{}, err
	}
	return ports{amqp: p[0], tls: p[1], management: p[2], dist: p[3], epmd: p[4]}, nil
}

// loopback is the address of a port on this machine.
func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// freePorts finds n ports on which nobody listens.
//
// It looks below the range from which the kernel takes the ports of outgoing
// connections. A port in that range could be lost while the node is down: a
// client that dials it again and again is in time given that very port as its
// own, is then connected to itself, and the node cannot start again.
func freePorts(n int) ([]int, error) {
	const lowest = 20000
	width := ephemeralStart() - lowest
	var found []int
	var held []net.Listener // until all are found, so that none is found twice
	defer func() {
		for _, l := range held {
			l.Close()
		}
	}()
	for range 200 {
		address := "127.0.0.1:0"
		if width >= 1000 {
			address = loopback(lowest + rand.IntN(width))
		}
		l, err := net.Listen("tcp4", address)
		if err != nil {
			continue
		}
		held = append(held, l)
		found = append(found, l.Addr().(*net.TCPAddr).Port)
		if len(found) == n {
			return found, nil
		}
	}
	return nil, fmt.Errorf("find %d free ports on 127.0.0.1: found only %d", n, len(found))
}

// ephemeralStart is the first port of outgoing connections, or 0 if unknown.
func ephemeralStart() int {
	var first int
	if text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range"); err == nil {
		fmt.Sscan(string(text), &first)
	}
	return first
}
