package interop

import (
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gobindery/bindery/adapters/amqpserver/internal/wire"
	"github.com/gobindery/bindery/pubsub"
)

// session is a client that sends one method after another, and puts what it is
// answered into words. It answers a close, and does nothing else by itself.
type session struct {
	t     *testing.T
	nc    net.Conn
	in    *wire.Reader
	user  string
	vhost string

	lines   []string // what came, in words
	ended   bool     // the server has closed the connection
	queue   string   // the last one that was declared
	replyTo string   // that of the last message that came with one

	address string
	other   *session // on another connection, once it is needed
}

// newSession connects, and opens channel 1.
func newSession(t *testing.T, address string) *session {
	t.Helper()
	u, err := url.Parse(address)
	must(t, err)
	nc, err := net.Dial("tcp", u.Host)
	must(t, err)
	t.Cleanup(func() { nc.Close() })
	must(t, nc.SetDeadline(time.Now().Add(bound)))
	s := &session{t: t, nc: nc, in: wire.NewReader(nc, 131072), user: u.User.Username(), vhost: u.Path, address: address}
	if len(u.Path) > 1 {
		s.vhost = u.Path[1:]
	}
	s.write([]byte("AMQP\x00\x00\x09\x01"))
	s.reply(0, "connection.start")
	password, _ := u.User.Password()
	s.send(0, &wire.ConnectionStartOk{
		ClientProperties: pubsub.Table{"capabilities": pubsub.Table{"consumer_cancel_notify": true, "authentication_failure_close": true}},
		Mechanism:        "PLAIN", Response: "\x00" + u.User.Username() + "\x00" + password, Locale: "en_US",
	})
	s.reply(0, "connection.tune")
	s.send(0, &wire.ConnectionTuneOk{ChannelMax: 2047, FrameMax: 131072})
	s.send(0, &wire.ConnectionOpen{VirtualHost: s.vhost})
	s.reply(0, "connection.open-ok")
	s.do(&wire.ChannelOpen{})
	s.lines = nil
	return s
}

// close ends the connection. All that it had is gone then.
func (s *session) close() {
	s.t.Helper()
	if s.other != nil {
		s.other.close()
	}
	if s.ended {
		return
	}
	s.send(0, &wire.ConnectionClose{ReplyCode: 200})
	s.reply(0, "connection.close-ok")
	s.nc.Close()
	s.ended = true
}

func (s *session) write(b []byte) {
	s.t.Helper()
	if _, err := s.nc.Write(b); err != nil {
		s.t.Fatalf("write: %v; came before: %q", err, s.lines)
	}
}

func (s *session) send(channel uint16, m wire.Method) {
	s.t.Helper()
	s.write(wire.AppendMethod(nil, channel, m))
}

// A step of a session is a method on channel 1, or one of these.
type (
	// on is a step on another channel.
	on struct {
		channel uint16
		step    any
	}

	// elsewhere is a step on another connection. What comes there is noted
	// with the rest.
	elsewhere struct{ step any }

	// message is a publish.
	message struct {
		wire.BasicPublish
		wire.Properties
		body      string
		confirmed bool // who does steps awaits its confirm
	}

	// octets are sent as they are.
	octets string

	// awaited is how many frames, of contents one, come unasked for.
	awaited int

	// later is a step that depends on what came.
	later func(*session) any
)

// do does steps one by one, each once the last one is answered, until the
// connection ends.
func (s *session) do(steps ...any) {
	s.t.Helper()
	for _, step := range steps {
		if s.ended {
			return
		}
		channel := uint16(1)
		for inner := false; !inner; {
			switch w := step.(type) {
			case on:
				channel, step = w.channel, w.step
			case later:
				step = w(s)
			default:
				inner = true
			}
		}
		switch step := step.(type) {
		case wire.Method:
			if _, ok := step.(*wire.ConnectionClose); ok {
				s.close()
				return
			}
			s.send(channel, step)
			if want := answerTo(step); want != "" {
				s.reply(channel, want)
			}
		case message:
			s.write(wire.AppendContent(nil, channel, 131072, &step.BasicPublish, &step.Properties, []byte(step.body)))
		case octets:
			s.write([]byte(step))
		case elsewhere:
			s.doElsewhere(step.step)
		case awaited:
			for range step {
				s.next()
			}
		default:
			s.t.Fatalf("a step of type %T", step)
		}
	}
}

func (s *session) doElsewhere(step any) {
	s.t.Helper()
	if s.other == nil {
		s.other = newSession(s.t, s.address)
	}
	s.other.do(step)
	s.lines = append(s.lines, s.other.lines...)
	s.other.lines = nil
}

// answerTo is how the names of answers to a method begin; it is empty where none comes.
func answerTo(m wire.Method) string {
	name := wire.Name(m)
	switch m := m.(type) {
	case *wire.BasicAck, *wire.BasicNack, *wire.BasicReject, *wire.BasicRecoverAsync:
		return ""
	case *wire.BasicGet:
		return "basic.get-"
	case *wire.ExchangeDeclare:
		if m.NoWait {
			return ""
		}
	case *wire.QueueDeclare:
		if m.NoWait {
			return ""
		}
	}
	return name + "-ok"
}

// reply reads up to the answer to what was sent on a channel: an error is one.
func (s *session) reply(channel uint16, name string) {
	s.t.Helper()
	for !s.ended {
		if ch, got := s.next(); ch == channel && (strings.HasPrefix(got, name) || got == "channel.close") {
			return
		}
	}
}
