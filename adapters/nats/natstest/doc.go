// Package natstest gives Go tests a real NATS server with JetStream.
//
//	func TestOrders(t *testing.T) {
//		server := natstest.RunServer(t)
//		nc, err := nats.Connect(server.URL())
//		…
//	}
//
// [RunServer] runs the server inside the test process: it listens on a free
// port of the loopback interface, keeps its store in a folder of the test, and
// is stopped with the test. Streams may be kept in memory or in files there.
package natstest
