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
// is stopped with the test. Streams may be kept in memory or in files there. A
// package that looks for goroutines left over needs [LeakOptions].
//
// # Clusters
//
// [RunCluster] runs a cluster of such servers, whose leaders can be made to step
// down, and whose nodes can go down and come back. It takes half a second; about
// one in a hundred has to repeat its first election and takes six.
//
// # Servers to kill, and older ones
//
// With the option [OwnProcess] a server, or each node of a cluster, runs in a process
// of its own, where [Server.Kill] ends it as a crash would: with SIGKILL. The program
// is the test program itself, for which TestMain has to call [Main]. With the option
// [Debian] it is the older server that Debian packages.
//
// If the test process dies (killed, or ended by the timeout of go test), Linux kills
// these with it. On other systems they live on and have to be stopped by hand.
package natstest
