package amqpserver_test

import (
	"testing"
	"time"

	"github.com/gobindery/bindery/adapters/amqpserver"
	"github.com/gobindery/bindery/pubsub"
)

const loginRefused = "403 ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN. For details see the broker logfile. (class 0 method 0)"

// Wrong passwords wait. Eight of one address may; then no other is looked at,
// not even a right one.
func TestGuessing(t *testing.T) {
	t.Parallel()
	s := &amqpserver.Server{LoginDelay: time.Hour}
	addr := serveAs(t, s)
	login := func(password string, want ...string) {
		t.Helper()
		client := dialRaw(t, addr)
		client.send(header091)
		client.expect("connection.start")
		client.send(startOk("PLAIN", "\x00guest\x00"+password, pubsub.Table{"capabilities": pubsub.Table{"authentication_failure_close": true}}))
		client.expect(want...)
	}
	for i := range 8 {
		login("guest", "connection.tune") // a right one doesn't wait
		login("wrong", loginRefused)
		until(t, s, func(n amqpserver.Stats) bool { return n.FailedLogins == uint64(i+1) })
	}
	login("guest", loginRefused, closed)
	login("wrong", loginRefused, closed)
}

// What has waited is forgotten.
func TestGuessingEnds(t *testing.T) {
	t.Parallel()
	addr := serveAs(t, &amqpserver.Server{LoginDelay: time.Nanosecond})
	for range 20 {
		client := dialRaw(t, addr)
		client.send(header091)
		client.expect("connection.start")
		client.send(startOk("PLAIN", "\x00guest\x00wrong", nil))
		client.expect(closed)
	}
	dialRaw(t, addr).open()
}
