package natstest

import (
	"os/exec"

	"github.com/gobindery/bindery/internal/debian"
)

// debianServer is where Debian's package puts the program.
const debianServer = "/usr/sbin/nats-server"

// Install makes sure that Debian's package nats-server is there, for the option
// [Debian], and returns the path of the program. It is installed if it is missing,
// which needs root, without starting its service. Safe for concurrent use, also
// by several processes: one installs, the others wait.
func Install() (string, error) {
	return debianServer, debian.Install("nats-server", debianServer, "--version")
}

// startDebian starts Debian's server.
func startDebian(config string) (*process, error) {
	program, err := Install()
	if err != nil {
		return nil, err
	}
	return startProcess(exec.Command(program, "--config", config))
}
