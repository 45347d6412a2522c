package natstest

import (
	"context"
	"fmt"
	"net"
	"testing"
)

// What the tests of this package use beyond its API.

// Leftovers are the functions of goroutines that LeakOptions ignores.
var Leftovers = leftovers

// TakenPort makes the first server that is started find one of its ports taken: the
// one that has this index among that of clients, of monitoring and of routes.
func TakenPort(t *testing.T, which int) Option {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	picked := 0
	return func(s *settings) {
		s.pick = func() (ports, error) {
			p, err := reservePorts()
			if picked++; picked == 1 && err == nil {
				*[]*int{&p.client, &p.monitor, &p.route}[which] = l.Addr().(*net.TCPAddr).Port
			}
			return p, err
		}
	}
}

// ForgetMain makes it as if Main had not been called, until remember is.
func ForgetMain() (remember func()) {
	mainRuns.Store(false)
	return func() { mainRuns.Store(true) }
}

// StartOwnProcess starts a server in a process of its own, outside a test.
func StartOwnProcess(folder string) (url string, err error) {
	servers, err := create(folder, 1, collect([]Option{OwnProcess()}))
	if err != nil {
		return "", err
	}
	return servers[0].URL(), startAll(context.Background(), servers)
}

// failing is a testing.TB whose test has failed once Fatalf was called.
type failing struct {
	testing.TB
	message string
}

func (f *failing) Helper() {}

func (f *failing) Fatalf(format string, args ...any) {
	f.message = fmt.Sprintf(format, args...)
	panic(f)
}

// FatalMessage returns what run passed to Fatalf, or "" if it did not.
func FatalMessage(t *testing.T, run func(testing.TB)) string {
	f := &failing{TB: t}
	func() {
		defer func() {
			if r := recover(); r != nil && r != any(f) {
				panic(r)
			}
		}()
		run(f)
	}()
	return f.message
}
