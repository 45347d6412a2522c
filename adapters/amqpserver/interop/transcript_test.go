package interop

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/gobindery/bindery/adapters/amqpserver/internal/wire"
)

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
