// Package pubsubtest tests an adapter against the model: RabbitMQ's, as
// package pubsub describes it. A case that RabbitMQ fails is a wrong case.
//
// # Use
//
// An adapter's test calls [Run], which runs every case as a sub-test, each in an
// empty world of its own:
//
//	func TestContract(t *testing.T) {
//		pubsubtest.Run(t, func(tb testing.TB) func(context.Context) (pubsub.Adapter, error) {
//			s := myadapter.NewServer() // or a vhost of its own
//			tb.Cleanup(s.Close)
//			return func(ctx context.Context) (pubsub.Adapter, error) {
//				return s.Connect(ctx) // one more connection to it
//			}
//		}, nil)
//	}
//
// go test -run 'TestContract/ttl' runs the cases of one area, and go test -v
// shows the report of all. An adapter that can't keep something refuses it
// when it is declared, and waives the cases that need it with
// [Options.Waive], which tells why in the report.
//
// # Random histories
//
// The last cases play random histories: operations on few names by several
// connections, one at a time, each compared with a naive model of a broker, as
// are all counts after it. One that fails is shrunk to few steps and printed
// with the command that runs it again. BINDERY_SEED is the first history's seed,
// BINDERY_HISTORIES how many there are:
//
//	BINDERY_SEED=1000 BINDERY_HISTORIES=500 go test ./adapters/memory -run 'TestContract/histories'
//
// # Time
//
// Cases wait for conditions, and prove that something does not come by what
// comes after it. They hold on slow machines. With [Options.Bubble], each runs by the
// clock of testing/synctest.
package pubsubtest
