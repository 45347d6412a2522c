package rabbitmqtest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// nodeName need not be unique: every node has its own epmd.
const nodeName = "bindery@localhost"

// markProperty is what a node says its mark by to its clients.
const markProperty = "rabbitmqtest"

// settings are the lines of rabbitmq.conf, in the order in which they are
// written. See https://www.rabbitmq.com/docs/configure.
func (n *Node) settings() []string {
	lines := []string{
		"listeners.tcp.1 = " + loopback(n.ports.amqp),
		// An alarm of a machine short of disk or memory blocks publishers,
		// and a test would hang. The memory limit is of the node, not of
		// the machine, and still stops a test that floods the node.
		"disk_free_limit.absolute = 1MB",
		"vm_memory_high_watermark.relative = 0.8",
		"log.file.level = warning",
	}
	if !n.opts.WithoutManagement {
		lines = append(lines,
			"management.tcp.ip = 127.0.0.1",
			"management.tcp.port = "+strconv.Itoa(n.ports.management),
			// In milliseconds; the default of 5 s is how long a test would
			// have to wait for a count to show.
			"collect_statistics_interval = 500",
		)
	}
	if n.tls != nil {
		lines = append(lines,
			"listeners.ssl.1 = "+loopback(n.ports.tls),
			"ssl_options.cacertfile = "+n.tls.caFile,
			"ssl_options.certfile = "+n.tls.certFile,
			"ssl_options.keyfile = "+n.tls.keyFile,
			"ssl_options.verify = verify_none",
			"ssl_options.fail_if_no_peer_cert = false",
		)
	}
	return append(lines, n.opts.Config)
}

// writeConfig writes the files that the node reads.
func (n *Node) writeConfig() error {
	plugins := "[rabbitmq_management].\n"
	if n.opts.WithoutManagement {
		plugins = "[].\n"
	}
	for name, content := range map[string]string{
		"rabbitmq.conf":     strings.Join(n.settings(), "\n") + "\n",
		"advanced.config":   fmt.Sprintf("[{rabbit, [{server_properties, [{%s, %q}]}]}].\n", markProperty, n.mark),
		"enabled_plugins":   plugins,
		"rabbitmq-env.conf": "", // instead of the machine's
	} {
		if err := os.WriteFile(n.path(name), []byte(content), 0o600); err != nil {
			return err
		}
	}
	return os.Mkdir(n.path("home"), 0o700)
}

// path names a file in the node's folder.
func (n *Node) path(name string) string { return filepath.Join(n.folder.path, name) }

// command prepares a program to run in the node's folder and environment. That
// environment is made from nothing, so that neither the settings of the
// machine's own RabbitMQ nor the caller's reach the node.
// See https://www.rabbitmq.com/docs/configure#supported-environment-variables.
func (n *Node) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(program, args...)
	cmd.Dir = n.folder.path
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"),
		"LANG=C.UTF-8",
		"LC_ALL=C.UTF-8",
		"HOME=" + n.path("home"), // the Erlang cookie is made there

		"ERL_EPMD_ADDRESS=127.0.0.1",
		"ERL_EPMD_PORT=" + strconv.Itoa(n.ports.epmd),
		"ERL_CRASH_DUMP_SECONDS=0", // none: writing it takes seconds

		"RABBITMQ_NODENAME=" + nodeName,
		"RABBITMQ_DIST_PORT=" + strconv.Itoa(n.ports.dist),
		"RABBITMQ_CONF_ENV_FILE=" + n.path("rabbitmq-env.conf"),
		"RABBITMQ_CONFIG_FILE=" + n.path("rabbitmq.conf"),
		"RABBITMQ_ADVANCED_CONFIG_FILE=" + n.path("advanced.config"),
		"RABBITMQ_ENABLED_PLUGINS_FILE=" + n.path("enabled_plugins"),
		"RABBITMQ_MNESIA_BASE=" + n.path("data"),
		"RABBITMQ_LOG_BASE=" + n.path("log"),
		"RABBITMQ_PID_FILE=" + n.path("pid"),
		// epmd is started by startEpmd; distribution stays on this machine.
		"RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=-start_epmd false -kernel inet_dist_use_interface {127,0,0,1}",
		"RABBITMQ_CTL_ERL_ARGS=-start_epmd false -kernel inet_dist_use_interface {127,0,0,1}",

		// The start script then becomes the Erlang VM by exec instead of
		// staying its parent. So the process we start is the one to signal,
		// and the one that dies with us. Without NOTIFY_SOCKET, nothing
		// else follows from it.
		"RUNNING_UNDER_SYSTEMD=true",
	}
	return cmd
}

// logTail returns the end of what the node wrote, for a failure's message.
func (n *Node) logTail() string {
	n.mu.Lock()
	p := n.beam
	n.mu.Unlock()
	return n.logTailOf(p)
}

func (n *Node) logTailOf(p *process) string {
	const limit = 2 << 10
	var b strings.Builder
	if p != nil {
		b.WriteString(p.output.String())
	}
	logs, _ := filepath.Glob(n.path("log/*.log"))
	for _, name := range logs {
		text, err := os.ReadFile(name)
		if err != nil || len(text) == 0 {
			continue
		}
		if len(text) > limit {
			text = text[len(text)-limit:]
		}
		fmt.Fprintf(&b, "\n%s:\n%s", filepath.Base(name), text)
	}
	return strings.TrimSpace(b.String())
}
