// Package page is a broker's topology as a page in a browser: the live graph,
// where a message would go and why, and a test message.
//
// The server is for one user of this machine. It listens on the loopback
// interface only, answers requests only that name it by a loopback host, and
// takes a publish only from its own page. See guard.go.
//
// # Where what is done
//
// One poll of the broker a second, shared by all viewers and made only while
// there are any (watch.go), gives a snapshot (snapshot.go). What a viewer sees
// of it, its view, is chosen on the server: what a search touches, or an
// exchange, or the way of a message (view.go, explain.go). So what is sent is
// bounded, however much there is. Views and counts go out as server-sent events
// (events.go). The files in assets draw them, and are served as they are.
//
// Locks: watch.mu is the only one, and nothing is called with it held.
package page
