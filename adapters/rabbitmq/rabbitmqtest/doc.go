// Package rabbitmqtest gives Go tests a real RabbitMQ.
//
// # One server for a package's tests
//
// [Shared] returns the server that all tests of one test process use, and
// [Main] stops it after the last of them:
//
//	func TestMain(m *testing.M) { os.Exit(rabbitmqtest.Main(m).Run()) }
//
//	func TestPublish(t *testing.T) {
//		url := rabbitmqtest.Shared(t).VHost(t) // an empty virtual host of its own
//		conn, err := amqp091.Dial(url)
//		…
//	}
//
// Where the server comes from, in this order:
//
//  1. $BINDERY_AMQP_URL, if it is set: a running server, as in
//     amqp://guest:guest@127.0.0.1:5672/. Its management API is at
//     $BINDERY_MANAGEMENT_URL, or else at port 15672 of the same host. The
//     user needs the tag administrator, because each test gets a virtual host
//     and a user of its own. Nothing else on that server is touched.
//  2. An installed RabbitMQ, which is run as a private node (see [Start]).
//  3. As root on Debian and its descendants, RabbitMQ is installed with
//     apt-get (see [Install]) and then run as a private node.
//
// Where none of them works the test fails and says what to do. It never skips.
//
// With $BINDERY_STALLS set the private node's queues and channels stop at random, so
// that a test that relies on an order that RabbitMQ doesn't keep fails soon: see
// [Node.Stall].
//
// # A server to stop, kill and restart
//
// [Run] starts a private [Node] for one test, and [Start] does so outside a
// test. A node has its own cookie, epmd and folder, and its own ports on 127.0.0.1,
// which no other node gets while it is down, so any number of them run side by side
// and beside a RabbitMQ of the machine's own. It runs as the user of the test process.
//
// [Node.Stop] leaves no process and no folder. If the test process dies before
// that (killed, or ended by the timeout of go test), Linux kills the node with
// it, and the next node to be started removes the folder. On other systems such
// a node lives on and has to be stopped by hand.
package rabbitmqtest
