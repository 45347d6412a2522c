package rabbitmq

import (
	"github.com/gobindery/bindery/pubsub"
)

// exchangeArguments returns what goes into exchange.declare's arguments. It
// shares nothing with e.
func exchangeArguments(e pubsub.Exchange) pubsub.Table {
	args := e.Arguments.Clone()
	if e.Alternate != "" {
		if args == nil {
			args = make(pubsub.Table)
		}
		args["alternate-exchange"] = e.Alternate
	}
	return args
}
