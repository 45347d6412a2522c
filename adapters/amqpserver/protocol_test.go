package amqpserver_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gobindery/bindery/adapters/amqpserver"
	"github.com/gobindery/bindery/adapters/amqpserver/internal/wire"
	"github.com/gobindery/bindery/adapters/memory"
	"github.com/gobindery/bindery/pubsub"
	amqp "github.com/rabbitmq/amqp091-go"
)

const (
	header091 = "AMQP\x00\x00\x09\x01"
	closed    = "closed" // what answers returns for a connection that ends
)

// rawClient speaks to a server frame by frame, right or wrong.
type rawClient struct {
	t  *testing.T
	nc net.Conn
	in *wire.Reader
}

func dialRaw(t *testing.T, addr string) *rawClient {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	nc.SetDeadline(time.Now().Add(20 * time.Second))
	return rawOver(t, nc)
}

// rawOver is a client at the end of a connection, which ends with the test.
func rawOver(t *testing.T, nc net.Conn) *rawClient {
	t.Cleanup(func() { nc.Close() })
	return &rawClient{t, nc, wire.NewReader(nc, 131072)}
}

func (c *rawClient) send(b string) {
	c.t.Helper()
	if _, err := io.WriteString(c.nc, b); err != nil {
		c.t.Fatal(err)
	}
}

// answer returns the next method by its name, a close by what it says, and
// "closed" at the end of the connection.
func (c *rawClient) answer() string {
	f, err := c.in.Next()
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return "nothing"
	} else if err != nil {
		return closed
	}
	m, err := wire.DecodeMethod(f.Payload)
	if err != nil {
		return err.Error()
	}
	if m, ok := m.(*wire.ConnectionClose); ok {
		e := wire.Error{Code: m.ReplyCode, Text: m.ReplyText, Class: m.ClassID, Method: m.MethodID}
		return e.Error()
	}
	return wire.Name(m)
}

// expect reads answers, and fails the test at one that is not the wanted.
func (c *rawClient) expect(want ...string) {
	c.t.Helper()
	for _, w := range want {
		if got := c.answer(); got != w {
			c.t.Fatalf("got  %s\nwant %s", got, w)
		}
	}
}

// open goes through the handshake, and opens channel 1.
func (c *rawClient) open() {
	c.t.Helper()
	c.send(header091)
	c.expect("connection.start")
	c.send(startOk("PLAIN", "\x00guest\x00guest", nil))
	c.expect("connection.tune")
	c.send(tuneOk(2047, 131072) + method(0, &wire.ConnectionOpen{VirtualHost: "/"}))
	c.expect("connection.open-ok")
	c.send(method(1, &wire.ChannelOpen{}))
	c.expect("channel.open-ok")
}

func frame(typ uint8, channel uint16, payload string) string {
	b := binary.BigEndian.AppendUint16([]byte{typ}, channel)
	b = binary.BigEndian.AppendUint32(b, uint32(len(payload)))
	return string(b) + payload + "\xce"
}

func method(channel uint16, m wire.Method) string {
	return string(wire.AppendMethod(nil, channel, m))
}

func startOk(mechanism, response string, client pubsub.Table) string {
	return method(0, &wire.ConnectionStartOk{ClientProperties: client, Mechanism: mechanism, Response: response, Locale: "en_US"})
}

func tuneOk(channelMax uint16, frameMax uint32) string {
	return method(0, &wire.ConnectionTuneOk{ChannelMax: channelMax, FrameMax: frameMax})
}

// contentHeader is a header frame on channel 1. rest begins with the flags.
func contentHeader(class, weight uint16, size uint64, rest string) string {
	b := binary.BigEndian.AppendUint16(nil, class)
	b = binary.BigEndian.AppendUint16(b, weight)
	b = binary.BigEndian.AppendUint64(b, size)
	return frame(wire.FrameHeader, 1, string(b)+rest)
}

// What a client gets for what it may not send, as observed on RabbitMQ 3.10.8
// unless a comment says otherwise.
func TestBrokenClients(t *testing.T) {
	t.Parallel()
	addr := serve(t, memory.NewServer())

	declare := method(1, &wire.QueueDeclare{Queue: "q"})
	publish := method(1, &wire.BasicPublish{RoutingKey: "nowhere"})
	header := func(size uint64) string { return contentHeader(60, 0, size, "\x00\x00") }
	body := func(b string) string { return frame(wire.FrameBody, 1, b) }
	nested := pubsub.Table{}
	for range 5000 {
		nested = pubsub.Table{"": nested}
	}
	const (
		declared   = "queue.declare-ok"
		noMethod   = "505 UNEXPECTED_FRAME - expected method frame, got non method frame instead (class 0 method 0)"
		noHeader   = "505 UNEXPECTED_FRAME - expected content header for class 60, got non content header frame instead (class 60 method 40)"
		noBody     = "505 UNEXPECTED_FRAME - expected content body, got non content body frame instead (class 60 method 40)"
		running    = "504 CHANNEL_ERROR - unexpected method in connection state running "
		unopened   = "504 CHANNEL_ERROR - expected 'channel.open' "
		unknown    = "503 COMMAND_INVALID - unimplemented method "
		properties = "502 SYNTAX_ERROR - the message's properties can't be read: "
	)
	for _, c := range []struct {
		name, send string
		want       []string
	}{
		// Frames.
		{"frame end", strings.TrimSuffix(frame(1, 1, "\x00\x0a\x00\x0a"), "\xce") + "\x00", []string{"501 FRAME_ERROR - type 1, all octets = <<0,10,0,10>>: {invalid_frame_end_marker,0} (class 0 method 0)"}},
		{"frame type 9", frame(9, 1, "abc"), []string{`501 FRAME_ERROR - type 9, all octets = <<"abc">>: unknown_frame (class 0 method 0)`}},
		{"frame type 4", frame(4, 1, "abc"), []string{`501 FRAME_ERROR - type 4, all octets = <<"abc">>: unknown_frame (class 0 method 0)`}},
		{"frame type 0", frame(0, 1, ""), []string{"501 FRAME_ERROR - type 0, all octets = <<>>: unknown_frame (class 0 method 0)"}},
		{"too large, header only", "\x03\x00\x01\x00\x02\x00\x01", []string{"501 FRAME_ERROR - type 3, all octets = <<>>: {frame_too_large,131073,131064} (class 0 method 0)"}},
		{"too large, all of it", frame(3, 1, strings.Repeat("x", 1<<20)), []string{"501 FRAME_ERROR - type 3, all octets = <<>>: {frame_too_large,1048576,131064} (class 0 method 0)"}},
		{"4 GiB", "\x01\x00\x01\xff\xff\xff\xff", []string{"501 FRAME_ERROR - type 1, all octets = <<>>: {frame_too_large,4294967295,131064} (class 0 method 0)"}},
		// RabbitMQ closes without a word.
		{"as large as may be, garbage", frame(1, 1, strings.Repeat("\x00", 131064)), []string{unknown + "(class 0 method 0)"}},
		{"two bytes of a method", frame(1, 1, "\x00\x14"), []string{"501 FRAME_ERROR - type 1, all octets = <<0,20>>: unknown_frame (class 0 method 0)"}},
		{"no byte of a method", frame(1, 1, ""), []string{"501 FRAME_ERROR - type 1, all octets = <<>>: unknown_frame (class 0 method 0)"}},
		{"heartbeat on channel 1", frame(8, 1, ""), []string{"505 UNEXPECTED_FRAME - type 8, all octets = <<>> (class 0 method 0)"}},
		{"heartbeat with payload", frame(8, 0, "xx"), []string{`501 FRAME_ERROR - type 8, all octets = <<"xx">>: unknown_frame (class 0 method 0)`}},
		{"heartbeat", frame(8, 0, "") + declare, []string{declared}},

		// Methods. RabbitMQ closes without a word for unknown ones.
		{"class 99", frame(1, 1, "\x00\x63\x00\x0a"), []string{unknown + "(class 99 method 10)"}},
		{"method 50.99", frame(1, 1, "\x00\x32\x00\x63"), []string{unknown + "(class 50 method 99)"}},
		{"access.request", method(1, &wire.AccessRequest{Realm: "/data"}), []string{"access.request-ok"}},
		{"truncated arguments", frame(1, 1, "\x00\x32\x00\x0a\x00\x00\x05ab"), []string{"501 FRAME_ERROR - cannot decode <<0,0,5,97,98>> (class 50 method 10)"}},
		{"trailing bytes", frame(1, 1, "\x00\x32\x00\x0a\x00\x00\x00\x04\x00\x00\x00\x00zzz"), []string{"501 FRAME_ERROR - cannot decode <<0,0,0,4,0,0,0,0,122,122,122>> (class 50 method 10)"}},
		{"table beyond the frame", frame(1, 1, "\x00\x32\x00\x0a\x00\x00\x00\x00\x00\x00\xff\xff"), []string{"501 FRAME_ERROR - cannot decode <<0,0,0,0,0,0,255,255>> (class 50 method 10)"}},
		// RabbitMQ closes without a word for these two.
		{"field type Z", frame(1, 1, "\x00\x32\x00\x0a\x00\x00\x00\x00\x00\x00\x00\x03\x01aZ"), []string{"501 FRAME_ERROR - cannot decode <<0,0,0,0,0,0,0,3,1,97,90>>: unknown field type 'Z' (class 50 method 10)"}},
		{"field without value", frame(1, 1, "\x00\x32\x00\x0a\x00\x00\x00\x00\x00\x00\x00\x02\x01a"), []string{"501 FRAME_ERROR - cannot decode <<0,0,0,0,0,0,0,2,1,97>> (class 50 method 10)"}},
		// RabbitMQ takes it.
		{"tables 5000 deep", method(1, &wire.QueueDeclare{Arguments: nested}), []string{"501 FRAME_ERROR - cannot decode <<0,0,0,0,0,0,117,48,0,70,0,0,117,42,0,70,0,0,117,36,0,70,0,0,117,30,0,70,0,0,117,24,0,70,0,0,117,18,0,70,0,0,117,12,0,70,0,0,117,6,0,70,0,0,117,0,0,70,0,0,116,250,0,70,...>>: tables nest more than 32 deep (class 50 method 10)"}},
		{"UTF-8", frame(1, 1, "\x00\x32\x00\x0a\x00\x00\x01\xff\x00\x00\x00\x00\x00"), []string{"501 FRAME_ERROR - Malformed UTF-8 in shortstr (class 0 method 0)"}},
		{"NUL in a name", method(1, &wire.QueueDeclare{Queue: "a\x00b"}), []string{declared}},
		{"queue.declare-ok from a client", method(1, &wire.QueueDeclareOk{}), []string{unknown + "(class 50 method 11)"}},
		// RabbitMQ waits for its content.
		{"basic.deliver from a client", method(1, &wire.BasicDeliver{}), []string{unknown + "(class 60 method 60)"}},
		{"connection.start-ok again", startOk("PLAIN", "", nil), []string{running + "(class 10 method 11)"}},
		{"connection.tune-ok again", tuneOk(1, 4096), []string{running + "(class 10 method 31)"}},
		{"connection.open again", method(0, &wire.ConnectionOpen{VirtualHost: "/"}), []string{running + "(class 10 method 40)"}},
		{"connection.close on channel 1", method(1, &wire.ConnectionClose{}), []string{unknown + "(class 10 method 50)"}},
		{"queue.declare on channel 0", method(0, &wire.QueueDeclare{}), []string{running + "(class 50 method 10)"}},
		{"channel.open on channel 0", method(0, &wire.ChannelOpen{}), []string{running + "(class 20 method 10)"}},
		{"channel.open again", method(1, &wire.ChannelOpen{}), []string{"504 CHANNEL_ERROR - second 'channel.open' seen (class 20 method 10)"}},
		{"queue.declare on an unopened channel", method(5, &wire.QueueDeclare{}), []string{unopened + "(class 50 method 10)"}},
		// RabbitMQ waits for its content.
		{"basic.publish on an unopened channel", method(5, &wire.BasicPublish{}), []string{unopened + "(class 60 method 40)"}},
		{"channel.close on an unopened channel", method(5, &wire.ChannelClose{}), []string{unopened + "(class 20 method 40)"}},
		{"channel.close-ok on an unopened channel", method(5, &wire.ChannelCloseOk{}), []string{unopened + "(class 20 method 41)"}},
		{"channel.close-ok to nothing", method(1, &wire.ChannelCloseOk{}), []string{unknown + "(class 20 method 41)"}},
		{"method after channel.close", method(1, &wire.ChannelClose{}) + declare, []string{"channel.close-ok", unopened + "(class 50 method 10)"}},
		{"frames after connection.close", method(0, &wire.ConnectionClose{}) + declare + declare, []string{"connection.close-ok"}},

		// Contents.
		{"header without publish", header(0), []string{noMethod}},
		{"body without publish", body("a"), []string{noMethod}},
		{"body without header", publish + body("a"), []string{noHeader}},
		{"method instead of a header", publish + declare, []string{noHeader}},
		{"method instead of a body", publish + header(10) + declare, []string{noBody}},
		{"header instead of a body", publish + header(10) + header(10), []string{noBody}},
		{"header of class 50", publish + contentHeader(50, 0, 0, "\x00\x00"), []string{"505 UNEXPECTED_FRAME - expected content header for class 60, got one for class 50 instead (class 60 method 40)"}},
		{"weight", publish + contentHeader(60, 1, 0, "\x00\x00"), []string{noHeader}},
		{"body longer than its size", publish + header(1) + body("ab"), []string{noBody}},
		{"empty body, then the rest", publish + header(1) + body("") + body("a") + declare, []string{declared}},
		{"empty body of an empty message", publish + header(0) + body(""), []string{noMethod}},
		// RabbitMQ says 541 INTERNAL_ERROR for broken properties.
		{"no property flags", publish + contentHeader(60, 0, 0, ""), []string{properties + "it ends too early (class 60 method 40)"}},
		{"more property flags", publish + contentHeader(60, 0, 0, "\x00\x01"), []string{"502 SYNTAX_ERROR - there are no more than 14 properties (class 60 method 40)"}},
		{"undefined property", publish + contentHeader(60, 0, 0, "\x00\x02") + declare, []string{declared}},
		{"header with trailing bytes", publish + contentHeader(60, 0, 0, "\x00\x00zz"), []string{properties + "bytes are left over (class 60 method 40)"}},
		{"headers with field type Z", publish + contentHeader(60, 0, 0, "\x20\x00\x00\x00\x00\x03\x01aZ"), []string{properties + "unknown field type 'Z' (class 60 method 40)"}},
		{"another channel between header and body", method(2, &wire.ChannelOpen{}) + publish + header(1) + method(2, &wire.QueueDeclare{Queue: "q"}) + body("a") + declare, []string{"channel.open-ok", declared, declared}},
		{"body on channel 0", frame(3, 0, "a"), []string{`505 UNEXPECTED_FRAME - type 3, all octets = <<"a">> (class 0 method 0)`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			client := dialRaw(t, addr)
			client.open()
			client.send(c.send)
			client.expect(c.want...)
			switch last := c.want[len(c.want)-1]; {
			case last[0] == '5':
				client.send(method(0, &wire.ConnectionCloseOk{}))
				fallthrough
			case last == "connection.close-ok":
				client.nc.(*net.TCPConn).CloseWrite() // where frames begin may be lost
				client.expect(closed)
			}
		})
	}
	t.Run("end within a frame", func(t *testing.T) {
		t.Parallel()
		client := dialRaw(t, addr)
		client.open()
		client.send(declare[:len(declare)-3])
		client.nc.(*net.TCPConn).CloseWrite()
		client.expect(closed)
	})
}

// What a client gets that goes wrong before its connection is open: mostly
// the end of it.
func TestBrokenHandshakes(t *testing.T) {
	t.Parallel()
	addr := serve(t, memory.NewServer())

	failureClose := pubsub.Table{"capabilities": pubsub.Table{"authentication_failure_close": true}}
	guest := startOk("PLAIN", "\x00guest\x00guest", nil)
	open := method(0, &wire.ConnectionOpen{VirtualHost: "/"})
	for _, c := range []struct {
		name, send string // after the protocol header
		want       []string
	}{
		{"wrong password", startOk("PLAIN", "\x00guest\x00wrong", nil), []string{closed}},
		{"wrong password, told", startOk("PLAIN", "\x00guest\x00wrong", failureClose), []string{"403 ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN. For details see the broker logfile. (class 0 method 0)", closed}},
		{"unknown mechanism", startOk("NONE", "", nil), []string{closed}},
		{"malformed PLAIN", startOk("PLAIN", "guest", nil), []string{closed}},
		{"empty PLAIN", startOk("PLAIN", "", nil), []string{closed}},
		{"EXTERNAL", startOk("EXTERNAL", "", nil), []string{closed}},
		{"frame-max 4095", guest + tuneOk(2047, 4095), []string{"connection.tune", closed}},
		{"frame-max 4096", guest + tuneOk(2047, 4096) + open, []string{"connection.tune", "connection.open-ok"}},
		{"frame-max 0", guest + tuneOk(2047, 0), []string{"connection.tune", closed}},
		{"frame-max 131073", guest + tuneOk(2047, 131073), []string{"connection.tune", closed}},
		{"channel-max 0", guest + tuneOk(0, 131072), []string{"connection.tune", closed}},
		{"channel-max 2048", guest + tuneOk(2048, 131072), []string{"connection.tune", closed}},
		{"connection.open before tune-ok", guest + open, []string{"connection.tune", closed}},
		{"channel.open before start-ok", method(1, &wire.ChannelOpen{}), []string{closed}},
		{"protocol header again", header091, []string{closed}},
		{"large frame before tune", frame(1, 0, strings.Repeat("x", 5000)), []string{closed}},
		{"unknown vhost", guest + tuneOk(2047, 131072) + method(0, &wire.ConnectionOpen{VirtualHost: "none"}), []string{"connection.tune", "530 NOT_ALLOWED - vhost none not found (class 0 method 0)"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			client := dialRaw(t, addr)
			client.send(header091)
			client.expect("connection.start")
			client.send(c.send)
			client.expect(c.want...)
		})
	}
	for _, header := range []string{
		"AMQP\x00\x00\x09\x00", "AMQP\x00\x01\x00\x00", "AMQP\x01\x01\x00\x0a", "GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
	} {
		t.Run(fmt.Sprintf("protocol header %q", header), func(t *testing.T) {
			t.Parallel()
			client := dialRaw(t, addr)
			client.send(header)
			got := make([]byte, len(header091))
			if err := client.in.Full(got); err != nil || string(got) != header091 {
				t.Errorf("%q, %v; want the header of 0-9-1", got, err)
			}
			client.expect(closed)
		})
	}
	t.Run("protocol header of 0-8", func(t *testing.T) {
		t.Parallel()
		client := dialRaw(t, addr)
		client.send("AMQP\x01\x01\x08\x00")
		client.expect("connection.start")
	})
}

// serveAs starts a server that is set up otherwise than that of serve.
func serveAs(tb testing.TB, s *amqpserver.Server) string {
	tb.Helper()
	if s.Connect == nil {
		broker := memory.NewServer()
		s.Connect = func(context.Context, amqpserver.Login) (pubsub.Adapter, error) { return broker.Connect(nil), nil }
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	tb.Cleanup(func() {
		s.Close()
		if err := <-served; err != amqpserver.ErrServerClosed {
			tb.Error(err)
		}
	})
	return l.Addr().String()
}

// A client that doesn't get on with its handshake is closed.
func TestHandshakeTimeout(t *testing.T) {
	t.Parallel()
	addr := serveAs(t, &amqpserver.Server{HandshakeTimeout: 50 * time.Millisecond})
	for _, begin := range []string{"", "AMQP"} {
		client := dialRaw(t, addr)
		client.send(begin)
		client.expect(closed)
	}
}

func TestMaxConnections(t *testing.T) {
	t.Parallel()
	addr := serveAs(t, &amqpserver.Server{MaxConnections: 2})
	dialRaw(t, addr).open()
	first := dialRaw(t, addr)
	first.open()
	dialRaw(t, addr).expect(closed)
	first.send(method(1, &wire.QueueDeclare{Queue: "q"}))
	first.expect("queue.declare-ok")
}

// A client that passes over connection.close, or has closed the connection
// and holds the socket, does not hold up Shutdown.
func TestShutdownOfIdlers(t *testing.T) {
	t.Parallel()
	s := &amqpserver.Server{}
	addr := serveAs(t, s)
	deaf, gone := dialRaw(t, addr), dialRaw(t, addr)
	deaf.open()
	gone.open()
	gone.send(method(0, &wire.ConnectionClose{}))
	gone.expect("connection.close-ok")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	deaf.expect("320 CONNECTION_FORCED - broker forced connection closure with reason 'shutdown' (class 0 method 0)", closed)
	gone.expect(closed)
}

func TestShutdownTellsClients(t *testing.T) {
	t.Parallel()
	s := &amqpserver.Server{}
	client, err := amqp.Dial("amqp://guest:guest@" + serveAs(t, s))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	told := client.NotifyClose(make(chan *amqp.Error, 1))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	select {
	case e := <-told:
		if e == nil || e.Code != amqp.ConnectionForced || e.Reason != "CONNECTION_FORCED - broker forced connection closure with reason 'shutdown'" || !e.Server {
			t.Errorf("the client was told %v", e)
		}
	case <-ctx.Done():
		t.Error("the client was told nothing")
	}
}
