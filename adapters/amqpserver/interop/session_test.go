package interop

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gobindery/bindery/adapters/amqpserver/internal/wire"
	"github.com/gobindery/bindery/pubsub"
)

// session is a client that sends one method after another, and puts what it is
// answered into words. It closes nothing and forgives nothing by itself, as a
// library would.
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
		body string
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

// next reads a frame, with its content, and notes it. It returns the channel and the
// method's name.
func (s *session) next() (channel uint16, name string) {
	s.t.Helper()
	f := s.frame()
	if s.ended || f.Type == wire.FrameHeartbeat {
		return 0, ""
	}
	m, err := wire.DecodeMethod(f.Payload)
	must(s.t, err)
	channel, name = f.Channel, wire.Name(m)
	var line string
	switch m := m.(type) {
	case *wire.ConnectionClose:
		line = fmt.Sprintf("connection %d %s (%d.%d)", m.ReplyCode, m.ReplyText, m.ClassID, m.MethodID)
		s.send(0, &wire.ConnectionCloseOk{})
		s.ended = true
	case *wire.ChannelClose:
		line = fmt.Sprintf("channel %d %s (%d.%d)", m.ReplyCode, m.ReplyText, m.ClassID, m.MethodID)
		s.send(channel, &wire.ChannelCloseOk{})
	case *wire.QueueDeclareOk:
		s.queue = m.Queue
		line = fmt.Sprintf("%s %s %d %d", name, m.Queue, m.MessageCount, m.ConsumerCount)
	case *wire.QueuePurgeOk:
		line = fmt.Sprintf("%s %d", name, m.MessageCount)
	case *wire.QueueDeleteOk:
		line = fmt.Sprintf("%s %d", name, m.MessageCount)
	case *wire.BasicConsumeOk:
		line = fmt.Sprintf("%s %s", name, m.ConsumerTag)
	case *wire.BasicCancelOk:
		line = fmt.Sprintf("%s %s", name, m.ConsumerTag)
	case *wire.BasicCancel:
		line = fmt.Sprintf("%s %s", name, m.ConsumerTag)
	case *wire.BasicAck:
		line = fmt.Sprintf("%s %d%s", name, m.DeliveryTag, when(m.Multiple, " multiple"))
	case *wire.BasicNack:
		// Whether it has multiple set depends on what else was confirmed by then.
		line = fmt.Sprintf("%s %d", name, m.DeliveryTag)
	case *wire.BasicReturn:
		line = fmt.Sprintf("%s %d %s %q %q %s", name, m.ReplyCode, m.ReplyText, m.Exchange, m.RoutingKey, s.content(m))
	case *wire.BasicGetOk:
		line = fmt.Sprintf("%s %d%s %q %q %s %d more", name, m.DeliveryTag, when(m.Redelivered, " again"), m.Exchange, m.RoutingKey, s.content(m), m.MessageCount)
	case *wire.BasicDeliver:
		line = fmt.Sprintf("%s %s %d%s %q %q %s", name, m.ConsumerTag, m.DeliveryTag, when(m.Redelivered, " again"), m.Exchange, m.RoutingKey, s.content(m))
	default:
		line = name
	}
	if channel > 1 {
		line = fmt.Sprintf("%d: %s", channel, line)
	}
	s.lines = append(s.lines, s.general(line))
	return channel, name
}

// frame reads a frame. It notes the end of a connection.
func (s *session) frame() wire.Frame {
	s.t.Helper()
	f, err := s.in.Next()
	if errors.Is(err, os.ErrDeadlineExceeded) {
		s.t.Fatalf("nothing more comes; came so far: %q", s.lines)
	} else if err != nil {
		s.lines = append(s.lines, "closed")
		s.ended = true
	}
	return f
}

// content reads what follows a method, and returns its body in quotes and the names
// of its headers.
func (s *session) content(m wire.Method) string {
	s.t.Helper()
	h, err := wire.DecodeHeader(s.frame().Payload, m)
	must(s.t, err)
	if h.ReplyTo != "" {
		s.replyTo = h.ReplyTo
	}
	var body []byte
	for uint64(len(body)) < h.Size {
		body = append(body, s.frame().Payload...)
	}
	if len(h.Headers) > 0 {
		return fmt.Sprintf("%q %v", body, slices.Sorted(maps.Keys(h.Headers)))
	}
	return fmt.Sprintf("%q", body)
}

// chosen are the names that a server chooses.
var chosen = regexp.MustCompile(`(amq\.gen-|amq\.ctag-|amq\.rabbitmq\.reply-to\.)[\w.=+/-]+`)

// wrapped is where RabbitMQ breaks a long line.
var wrapped = regexp.MustCompile(`,\n +`)

// general takes out of a line what is different each time.
func (s *session) general(line string) string {
	line = strings.ReplaceAll(line, "vhost '"+s.vhost+"'", "vhost 'V'")
	line = strings.ReplaceAll(line, "user was '"+s.user+"'", "user was 'U'")
	line = wrapped.ReplaceAllString(line, ",")
	return chosen.ReplaceAllString(line, "$1*")
}

func when(is bool, text string) string {
	if is {
		return text
	}
	return ""
}
