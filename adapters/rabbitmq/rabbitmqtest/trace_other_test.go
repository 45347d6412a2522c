//go:build !linux

package rabbitmqtest_test

import (
	"os"
	"testing"

	"github.com/gobindery/bindery/adapters/rabbitmq/rabbitmqtest"
)

// Without /proc only the folder is looked at, and nothing ends a node whose
// test process dies.

func folderOf(t *testing.T, n *rabbitmqtest.Node) string { return rabbitmqtest.FolderOf(n) }

func mustLeaveNoTrace(t *testing.T, folder string) {
	t.Helper()
	if _, err := os.Stat(folder); !os.IsNotExist(err) {
		t.Errorf("the folder %s is left (%v)", folder, err)
	}
}

func waitToBeKilled() { os.Exit(1) }
