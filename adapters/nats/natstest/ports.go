package natstest

import (
	"errors"
	"net"
	"strconv"

	"github.com/gobindery/bindery/internal/portblock"
)

// errPortTaken is the start's reason to choose other ports and begin again.
var errPortTaken = errors.New("another process took one of the ports")

// ports are what a server listens on, all on 127.0.0.1.
type ports struct {
	client, monitor, route int

	block *portblock.Block // keeps them for the server, also while it is down
}

// reservePorts reserves the ports of a server, whether it will use them or not.
func reservePorts() (ports, error) {
	b, err := portblock.Reserve(3)
	if err != nil {
		return ports{}, err
	}
	return ports{client: b.Port(0), monitor: b.Port(1), route: b.Port(2), block: b}, nil
}

// loopback is the address of a port on this machine.
func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
