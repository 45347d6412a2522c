// Package pubsubtest tests an adapter against the model: RabbitMQ's, as
// package pubsub describes it.
//
// An adapter's test calls [Run], which runs every case as a sub-test:
//
//	func TestContract(t *testing.T) {
//		pubsubtest.Run(t, func(tb testing.TB) func(context.Context) (pubsub.Adapter, error) {
//			s := myadapter.NewServer() // an empty world for one case
//			tb.Cleanup(s.Close)
//			return func(ctx context.Context) (pubsub.Adapter, error) {
//				return s.Connect(ctx) // one more connection to it
//			}
//		}, nil)
//	}
package pubsubtest
