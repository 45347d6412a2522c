package nats

import (
	"cmp"
	"net/url"
	"strconv"

	"github.com/gobindery/bindery/pubsub"
)

var _ pubsub.Endpointer = (*Conn)(nil)

// Endpoint tells the host and port that c was opened with. With several servers
// the address is left out: c may go from one to another.
func (c *Conn) Endpoint() pubsub.Endpoint { return endpointOf(c.nc.Opts.Servers) }

func endpointOf(servers []string) pubsub.Endpoint {
	e := pubsub.Endpoint{System: "nats"}
	if len(servers) != 1 {
		return e
	}
	u, err := url.Parse(servers[0])
	if err != nil {
		return e // connect took it, though
	}
	e.Address = u.Hostname()
	e.Port, _ = strconv.Atoi(cmp.Or(u.Port(), "4222")) // readURL has checked it
	return e
}
