package amqpserver_test

import (
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobindery/bindery/adapters/amqpserver"
	"github.com/gobindery/bindery/adapters/amqpserver/internal/wire"
)

// Whatever two clients send, what they get are whole frames that make sense;
// their connections end with them, and leave nothing behind; and another client
// is served. The input is how a script is sent, and the script, see there. A
// bubble of synctest panics where anything waits forever.
func FuzzSession(f *testing.F) {
	for i := range instructions {
		f.Add(uint8(i%8), uint8(i/8), []byte{0, byte(i), 0, 1, 0, byte(i)})
	}
	for i := range spoils {
		f.Add(uint8(i%8), uint8(i/8), []byte{63, byte(i)})
	}
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 100 {
		b := make([]byte, 1000)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		f.Add(uint8(i), uint8(i>>4), b)
	}
	f.Fuzz(func(t *testing.T, together, end uint8, b []byte) {
		script := newScript(b)
		synctest.Test(t, func(t *testing.T) {
			s := &amqpserver.Server{}
			server := servePipes(t, s)
			other := server.dial(t)
			other.open()

			var clients [2]*scripted
			for i := range clients {
				clients[i] = &scripted{nc: server.dial(t).nc, held: make(map[byte][]uint64), ended: make(chan struct{})}
				go clients[i].read()
			}
			play(&clients, script, 1+int(together%8))
			switch end % 4 {
			default: // the server ends them
				wait := time.After(5 * time.Minute) // or they agreed to long heartbeats, or to none
				for _, c := range clients {
					select {
					case <-c.ended:
						c.whole = true
					case <-wait:
						wait = time.After(0)
					}
				}
			case 2: // the clients go at once
			case 3:
				works(other)
				other.nc.Close()
				if err := s.Shutdown(t.Context()); err != nil {
					t.Errorf("the server does not shut down: %v", err)
				}
				clients[0].whole, clients[1].whole = true, true
			}
			for _, c := range clients {
				c.nc.Close()
				<-c.ended
				checkAnswers(t, c.got, c.whole)
			}
			synctest.Wait()
			checkNothingLeft(t, server.broker, s.Stats(), end%4 != 3)
			if end%4 != 3 {
				works(other)
				again := server.dial(t)
				again.open()
				works(again)
			}
		})
	})
}

// works checks that a client is served.
func works(c *rawClient) {
	c.t.Helper()
	c.send(method(1, &wire.QueueDeclare{Queue: "works"}))
	c.expect("queue.declare-ok")
	c.send(publish(&wire.BasicPublish{RoutingKey: "works"}, []byte("body")) + method(1, &wire.BasicGet{Queue: "works", NoAck: true}))
	c.expect("basic.get-ok")
	c.content()
	c.send(method(1, &wire.QueueDelete{Queue: "works"}))
	c.expect("queue.delete-ok")
}
