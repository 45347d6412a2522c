package rabbitmqtest

import (
	"errors"
	"net"
	"strconv"

	"github.com/gobindery/bindery/internal/portblock"
)

// errPortTaken is the start's reason to choose other ports and begin again.
var errPortTaken = errors.New("another process took one of the ports")

// ports are what a node listens on, all on 127.0.0.1.
type ports struct {
	amqp, tls, management int
	dist, epmd            int // of the Erlang VM and of its port mapper

	block *portblock.Block // keeps them for the node, also while it is down
}

// reservePorts reserves all ports of a node, whether it will use them or not.
func reservePorts() (ports, error) {
	b, err := portblock.Reserve(5)
	if err != nil {
		return ports{}, err
	}
	return ports{amqp: b.Port(0), tls: b.Port(1), management: b.Port(2), dist: b.Port(3), epmd: b.Port(4), block: b}, nil
}

// loopback is the address of a port on this machine.
func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
