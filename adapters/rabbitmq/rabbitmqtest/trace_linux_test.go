package rabbitmqtest_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gobindery/bindery/adapters/rabbitmq/rabbitmqtest"
)

// processesIn returns the processes that run in a node's folder or have it in
// their environment, as all programs of a node have.
func processesIn(folder string) []string {
	var found []string
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		environment, _ := os.ReadFile(filepath.Join(dir, "environ"))
		cwd, _ := os.Readlink(filepath.Join(dir, "cwd"))
		if strings.Contains(string(environment), folder+"/") || strings.HasPrefix(cwd, folder) {
			name, _ := os.ReadFile(filepath.Join(dir, "comm"))
			found = append(found, fmt.Sprintf("%s (%s)", filepath.Base(dir), strings.TrimSpace(string(name))))
		}
	}
	return found
}

// folderOf returns the folder of a running node, and checks that
// processesIn sees what runs there.
func folderOf(t *testing.T, n *rabbitmqtest.Node) string {
	t.Helper()
	folder := rabbitmqtest.FolderOf(n)
	running := strings.Join(processesIn(folder), " ")
	mustContain(t, running, "beam", "epmd", "erl_child_setup")
	return folder
}

// mustLeaveNoTrace fails if a process or the folder of a node is left.
func mustLeaveNoTrace(t *testing.T, folder string) {
	t.Helper()
	if p := processesIn(folder); len(p) > 0 {
		t.Errorf("processes are left: %v", p)
	}
	if _, err := os.Stat(folder); !os.IsNotExist(err) {
		t.Errorf("the folder %s is left (%v)", folder, err)
	}
}

// waitToBeKilled is the other side of TestHardDeath.
func waitToBeKilled() {
	n, err := rabbitmqtest.Start(context.Background(), nil)
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	fmt.Println(rabbitmqtest.FolderOf(n))
	select {}
}

// A test process that is killed takes its node with it, and the next start
// removes the folder.
func TestHardDeath(t *testing.T) {
	t.Parallel()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), dieVariable+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	line, err := bufio.NewReader(out).ReadString('\n')
	folder := strings.TrimSpace(line)
	if err != nil || !filepath.IsAbs(folder) {
		t.Fatalf("the other process said %q (%v)", line, err)
	}
	mustContain(t, strings.Join(processesIn(folder), " "), "beam", "epmd")

	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()

	await(t, "the node's processes are gone", func() bool { return len(processesIn(folder)) == 0 })
	// Another test that starts a node may be sweeping at this moment.
	await(t, "the folder is gone", func() bool {
		rabbitmqtest.SweepAbandoned(filepath.Dir(folder))
		_, err := os.Stat(folder)
		return os.IsNotExist(err)
	})
}

// await returns when a condition holds.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ctx, tick := within(t), time.NewTicker(10*time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("in vain: %s", what)
		}
	}
}
