package amqpserver

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"strings"
	"time"

	"github.com/gobindery/bindery/adapters/amqpserver/internal/wire"
	"github.com/gobindery/bindery/pubsub"
)

// protocolHeader is what a client of AMQP 0-9-1 begins with.
const protocolHeader = "AMQP\x00\x00\x09\x01"

// versions are the headers that are taken, and the versions, major and minor,
// that connection.start answers them with, as RabbitMQ does. What follows is
// AMQP 0-9-1's: clients of 0-9 speak that.
var versions = map[string][2]uint8{
	protocolHeader:         {0, 9},
	"AMQP\x01\x01\x00\x09": {0, 9},
	"AMQP\x01\x01\x08\x00": {8, 0},
	"AMQP\x01\x01\x09\x01": {8, 0}, // so the specification of 0-8 has it
}

// errHandshake ends a connection without a word, as RabbitMQ does where a
// client goes wrong before its connection is open.
var errHandshake = errors.New("handshake failed")

// capabilities are the extensions of RabbitMQ that are served, and one of ours.
func capabilities() pubsub.Table {
	return pubsub.Table{
		"publisher_confirms":           true,
		"exchange_exchange_bindings":   true,
		"basic.nack":                   true,
		"consumer_cancel_notify":       true,
		"consumer_priorities":          true,
		"authentication_failure_close": true,
		"connection.blocked":           true,
		"per_consumer_qos":             true,
		"direct_reply_to":              true,
		topologyCapability:             true,
	}
}

// handshake goes from the protocol header to connection.open-ok.
// See the AMQP 0-9-1 specification, section 2.2.4.
func (c *conn) handshake() error {
	c.setReadDeadline(time.Now().Add(orDefault(c.server.HandshakeTimeout, 10*time.Second)))
	header := make([]byte, len(protocolHeader))
	if err := c.in.Full(header); err != nil {
		return err
	}
	version, ok := versions[string(header)]
	if !ok {
		c.out.add(func(dst []byte) []byte { return append(dst, protocolHeader...) })
		return fmt.Errorf("%w: it began with %q", errHandshake, header)
	}
	about := pubsub.Table{
		"product": "Bindery", "platform": "Go", "information": "https://github.com/gobindery/bindery", "capabilities": capabilities(),
	}
	maps.Copy(about, c.server.Properties)
	c.send(0, &wire.ConnectionStart{VersionMajor: version[0], VersionMinor: version[1], ServerProperties: about, Mechanisms: "PLAIN AMQPLAIN", Locales: "en_US"})
	var startOk *wire.ConnectionStartOk
	if err := expect(c, &startOk); err != nil {
		return err
	}
	caps, _ := startOk.ClientProperties["capabilities"].(pubsub.Table)
	c.cancelNotify, _ = caps["consumer_cancel_notify"].(bool)
	c.failureClose, _ = caps["authentication_failure_close"].(bool)
	c.blockedNotify, _ = caps["connection.blocked"].(bool)
	if err := c.authenticate(startOk); err != nil {
		return err
	}
	if err := c.tune(); err != nil {
		return err
	}
	var open *wire.ConnectionOpen
	if err := expect(c, &open); err != nil {
		return err
	}
	return c.open(open.VirtualHost)
}

// expect reads the next method, which must be of the type that m points to.
func expect[M wire.Method](c *conn, m *M) error {
	f, err := c.in.Next()
	if _, ok := errors.AsType[*wire.Error](err); ok {
		return fmt.Errorf("%w: %w", errHandshake, err)
	} else if err != nil {
		return err
	}
	if f.Type != wire.FrameMethod || f.Channel != 0 {
		return fmt.Errorf("%w: a frame of type %d on channel %d came instead of a %T", errHandshake, f.Type, f.Channel, *m)
	}
	got, err := wire.DecodeMethod(f.Payload)
	if err != nil {
		return fmt.Errorf("%w: %w", errHandshake, err)
	}
	var ok bool
	if *m, ok = got.(M); !ok {
		return fmt.Errorf("%w: %s came instead of a %T", errHandshake, wire.Name(got), *m)
	}
	return nil
}

// authenticate checks user and password.
// See https://www.rabbitmq.com/docs/access-control#mechanisms.
func (c *conn) authenticate(m *wire.ConnectionStartOk) error {
	user, password, err := credentials(m)
	if err != nil {
		return err
	}
	tell := func() {
		if c.failureClose {
			c.fail(wire.Errorf(wire.AccessRefused, "Login was refused using authentication mechanism %s. For details see the broker logfile.", m.Mechanism))
		}
	}
	if err := c.check(user, password, tell); err != nil {
		return err
	}
	c.user = user
	return nil
}

// credentials reads what a mechanism sent.
func credentials(m *wire.ConnectionStartOk) (user, password string, err error) {
	switch m.Mechanism {
	case "PLAIN":
		parts := strings.Split(m.Response, "\x00")
		if len(parts) == 3 && parts[0] == "" {
			return parts[1], parts[2], nil
		}
	case "AMQPLAIN":
		t, err := wire.DecodeTable([]byte(m.Response))
		user, okUser := t["LOGIN"].(string)
		password, okPassword := t["PASSWORD"].(string)
		if err == nil && okUser && okPassword {
			return user, password, nil
		}
	}
	return "", "", fmt.Errorf("%w: mechanism %q with a response that can't be read; use PLAIN or AMQPLAIN", errHandshake, m.Mechanism)
}

// tune agrees on limits.
func (c *conn) tune() error {
	s := c.server
	heartbeat := max(0, orDefault(s.Heartbeat, 60*time.Second)) / time.Second
	offer := wire.ConnectionTune{
		ChannelMax: orDefault(s.ChannelMax, 2047),
		FrameMax:   max(wire.FrameMin, orDefault(s.FrameMax, 131072)),
		Heartbeat:  uint16(min(heartbeat, math.MaxUint16)),
	}
	c.send(0, &offer)
	var ok *wire.ConnectionTuneOk
	if err := expect(c, &ok); err != nil {
		return err
	}
	if ok.FrameMax < wire.FrameMin || ok.FrameMax > offer.FrameMax || ok.ChannelMax == 0 || ok.ChannelMax > offer.ChannelMax {
		return fmt.Errorf("%w: frame-max %d and channel-max %d are not within %d to %d and 1 to %d", errHandshake, ok.FrameMax, ok.ChannelMax, wire.FrameMin, offer.FrameMax, offer.ChannelMax)
	}
	c.frameMax, c.channelMax = ok.FrameMax, ok.ChannelMax
	c.heartbeat = time.Duration(ok.Heartbeat) * time.Second
	c.in.SetMax(ok.FrameMax)
	return nil
}

// open connects to what is behind.
func (c *conn) open(vhost string) error {
	c.vhost = vhost
	a, err := c.server.Connect(c.ctx, Login{User: c.user, VHost: vhost, Remote: c.nc.RemoteAddr()})
	switch {
	case errors.Is(err, pubsub.ErrNotFound):
		return wire.Errorf(wire.NotAllowed, "vhost %s not found", vhost)
	case errors.Is(err, pubsub.ErrAccessRefused):
		return wire.Errorf(wire.NotAllowed, "access to vhost '%s' refused for user '%s'", vhost, c.user)
	case err != nil:
		c.log(context.Background(), "backend refused a connection", err)
		return wire.Errorf(wire.InternalError, "the backend can't be reached")
	}
	c.adapter = a
	c.send(0, &wire.ConnectionOpenOk{})
	return nil
}
