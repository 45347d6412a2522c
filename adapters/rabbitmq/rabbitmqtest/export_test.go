package rabbitmqtest

// What the tests of this package use beyond its API.

// FolderOf returns the path of a node's folder.
func FolderOf(n *Node) string { return n.folder.path }

// SweepAbandoned deletes the folders that dead processes left under parent.
func SweepAbandoned(parent string) { sweepAbandoned(parent) }
