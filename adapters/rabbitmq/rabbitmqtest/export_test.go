package rabbitmqtest

import (
	"fmt"
	"testing"
)

// What the tests of this package use beyond its API.

// FolderOf returns the path of a node's folder.
func FolderOf(n *Node) string { return n.folder.path }

// SweepAbandoned deletes the folders that dead processes left under parent.
func SweepAbandoned(parent string) { sweepAbandoned(parent) }

// failing is a testing.TB whose test has failed once Fatal was called.
type failing struct {
	testing.TB
	message string
}

func (f *failing) Helper() {}

func (f *failing) Fatal(args ...any) {
	f.message = fmt.Sprint(args...)
	panic(f)
}

// FatalMessage returns what run passed to Fatal, or "" if it did not.
func FatalMessage(t *testing.T, run func(testing.TB)) string {
	f := &failing{TB: t}
	func() {
		defer func() {
			if r := recover(); r != nil && r != any(f) {
				panic(r)
			}
		}()
		run(f)
	}()
	return f.message
}
