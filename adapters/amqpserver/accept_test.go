package amqpserver_test

import (
	"errors"
	"net"
	"os"
	"syscall"
	"testing"

	"github.com/gobindery/bindery/adapters/amqpserver"
)

// failing is a listener whose next calls fail.
type failing struct {
	net.Listener
	errs []error
}

func (f *failing) Accept() (net.Conn, error) {
	if len(f.errs) == 0 {
		return f.Listener.Accept()
	}
	err := f.errs[0]
	f.errs = f.errs[1:]
	return nil, &net.OpError{Op: "accept", Err: os.NewSyscallError("accept4", err)}
}

// That the system has no descriptor left does not end a server.
func TestAcceptTriesAgain(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &amqpserver.Server{}
	served := make(chan error, 1)
	go func() { served <- s.Serve(&failing{l, []error{syscall.EMFILE, syscall.ECONNABORTED}}) }()
	client := dialRaw(t, l.Addr().String())
	client.send(header091)
	client.expect("connection.start")
	s.Close()
	if err := <-served; err != amqpserver.ErrServerClosed {
		t.Error(err)
	}
}

func TestAcceptFails(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := new(amqpserver.Server).Serve(&failing{l, []error{syscall.EINVAL}}); !errors.Is(err, syscall.EINVAL) {
		t.Error(err)
	}
}
