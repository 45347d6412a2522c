// Package local is the broker of a user's machine, for commands that are told
// no other. The first program that needs it becomes its host: it keeps all in
// memory, and serves AMQP 0-9-1 on a Unix socket in the user's own runtime
// folder. All programs, the host among them, connect to that socket.
//
// # Who is the host
//
// Whoever holds the lock on the file broker.lock, which the kernel takes back
// when the process ends, however it ends. The file is never deleted: a lock on
// a deleted file excludes nobody. Only the holder puts a socket at
// broker.sock, by renaming it there once it listens. So there is one host at
// most. Who finds nobody at the socket tries to get the lock, in the dialing
// of adapters/rabbitmq: thus a lost connection finds the next host, or makes
// it, and the adapter declares again on it what its program declared.
//
// # No message is lost between two hosts
//
// A receiver that says that it waits must get what is confirmed from then on.
// The host writes down its receivers in the file broker.state before they
// learn that they consume. The next host takes no publish until those that
// still run consume again, or for [returnLimit].
//
// A host that leaves in good order first takes no more publishes, and lets
// receivers take what is there; senders keep what has no confirm, and send it
// to the next host. When a host is killed, what was only in its memory is gone.
//
// Lock order: client.mu, member.mu, host.mu, gate.mu.
package local
