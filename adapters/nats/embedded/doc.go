// Package embedded is a durable broker with nothing installed: a NATS server with
// JetStream that runs in the program itself, keeps its files in a folder, and has the
// adapter of package nats before it.
//
//	backends := pubsub.Mux{"nats+embedded": embedded.Scheme()}
//	b, err := backends.Open(ctx, "nats+embedded:/var/lib/shop", nil)
//
// Several processes of one machine may open the same folder. The first runs the server,
// which the others join; when it ends, or is killed, another of them goes on with it
// within about a second. Durable queues and their persistent and other messages are in files, and
// are there when the folder is opened again. Queues that aren't durable lose their messages when
// the process ends that runs the server.
//
// The server listens on a free port of the loopback interface. Its URL is in the
// folder's file nats.url, with a token that changes with each start: whoever may read that
// file can connect, as with
//
//	nats --server "$(cat /var/lib/shop/nats.url)" stream ls
//
// Confirmed messages outlive the end of any process. So that they outlive the machine's
// too, the parameter sync=always has each written through to the disk, which is slower; otherwise
// that is done every two minutes. See https://docs.nats.io/nats-concepts/jetstream.
//
// It needs file locks (Linux, macOS, BSD); elsewhere opening is [pubsub.ErrUnsupported].
//
// Lock order: folders.mu, then folder.mu.
package embedded
