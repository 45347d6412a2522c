package natstest

import "go.uber.org/goleak"

// leftovers are goroutines of a file store, and of the clock that all file stores
// share. A server that shuts down while it creates or deletes a stream can forget a
// store of it: one goroutine adds the store, and another, which shuts down, has
// looked for stores already. Seen with nats-server 2.15.2 in one of two clusters that
// were stopped so; no other goroutine ever stayed.
var leftovers = []string{
	"github.com/nats-io/nats-server/v2/server.(*fileStore).flushStreamStateLoop",
	"github.com/nats-io/nats-server/v2/server/ats.Register.func1",
}

// LeakOptions are for the TestMain of a package that runs servers inside the test
// process and looks for goroutines left over. They ignore the few that a server can
// leave behind when it is stopped in the midst of its work:
//
//	goleak.VerifyTestMain(natstest.Main(m), natstest.LeakOptions()...)
func LeakOptions() []goleak.Option {
	var options []goleak.Option
	for _, name := range leftovers {
		options = append(options, goleak.IgnoreAnyFunction(name))
	}
	return options
}
