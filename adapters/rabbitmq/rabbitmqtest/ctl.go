package rabbitmqtest

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
)

// Ctl runs rabbitmqctl with the arguments on this node and returns what it
// printed. It takes a second or two. So a test can raise the memory alarm, on
// which RabbitMQ blocks publishers, with
//
//	n.Ctl(ctx, "set_vm_memory_high_watermark", "0")
//
// and clear it with the value 0.8. See https://www.rabbitmq.com/docs/man/rabbitmqctl.8.
func (n *Node) Ctl(ctx context.Context, args ...string) (string, error) {
	cmd := n.command(filepath.Join(filepath.Dir(n.server), "rabbitmqctl"), args...)
	// CommandContext, for its ending with the context, around our command.
	bound := exec.CommandContext(ctx, cmd.Path, args...)
	bound.Dir, bound.Env = cmd.Dir, cmd.Env
	out, err := bound.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("rabbitmqctl %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return string(out), nil
}
