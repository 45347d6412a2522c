package cli

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// Signals returns the context of a command's main function. It ends at the first
// SIGINT or SIGTERM, so that the command can end in good order; the next one
// kills the process.
//
// It also makes writing to a closed pipe an error (EPIPE) on standard output,
// where Go's default is to die of SIGPIPE, so that a command can end in good
// order there too. See the documentation of os/signal, "SIGPIPE".
func Signals() context.Context {
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx
}
