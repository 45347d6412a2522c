package rabbitmqtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// installLimit bounds an installation, the wait for others included.
const installLimit = 10 * time.Minute

// dpkgFolder is there on Debian and its descendants. It serves as the lock
// among test processes that find RabbitMQ missing at the same time; dpkg and
// apt lock files in it.
const dpkgFolder = "/var/lib/dpkg"

// policyFile decides on Debian whether a package may start its services. See
// invoke-rc.d(8).
const policyFile = "/usr/sbin/policy-rc.d"

// forbidden is the exit code of policyFile for "no".
const forbidden = 101

// Install returns the path of the rabbitmq-server script, and installs
// RabbitMQ first if it is missing. That needs root, apt-get, and ten minutes
// at most. What apt-get says goes to progress, which may be nil.
//
// Debian's package starts a system service. Install forbids it while it
// installs, so that nothing runs afterwards that did not run before. Like any
// service of Debian it starts with the machine's next boot; this is changed by
// "systemctl disable rabbitmq-server".
//
// Several processes may call Install at once: one installs, the others wait.
func Install(ctx context.Context, progress io.Writer) (string, error) {
	if cannotInstall() != nil {
		server, err := Find()
		if err != nil {
			return "", fmt.Errorf("%w, and it cannot be installed: %w", err, cannotInstall())
		}
		return server, nil
	}
	ctx, cancel := context.WithTimeout(ctx, installLimit)
	defer cancel()
	// The lock comes before the look: while another process installs, the
	// script may stand there already and Erlang not yet.
	unlock, err := lockFolder(ctx, dpkgFolder)
	if err != nil {
		return "", fmt.Errorf("install RabbitMQ: %w", err)
	}
	defer unlock()
	if server, err := Find(); err == nil {
		return server, nil
	}
	if progress == nil {
		progress = io.Discard
	}
	if err := aptInstall(ctx, progress); err != nil {
		return "", fmt.Errorf("install RabbitMQ: %w", err)
	}
	return Find()
}

// cannotInstall returns why this process cannot install a package, or nil.
func cannotInstall() error {
	if runtime.GOOS != "linux" {
		return fmt.Errorf("that works on Debian only, and this is %s", runtime.GOOS)
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		return errors.New("that works on Debian only, and there is no apt-get")
	}
	if os.Geteuid() != 0 {
		return errors.New("this process is not root")
	}
	return nil
}

// aptInstall installs the package without starting its service.
func aptInstall(ctx context.Context, progress io.Writer) error {
	allow, err := forbidServices(policyFile, progress)
	if err != nil {
		return err
	}
	defer allow()
	install := []string{"install", "--yes", "--no-install-recommends",
		"-o", "DPkg::Lock::Timeout=300", // for an apt of somebody else
		"-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold",
		"rabbitmq-server"}
	if err = aptGet(ctx, progress, install...); err != nil {
		// On a fresh machine there is no list of packages yet, and an old
		// list names packages that the mirror has replaced.
		if err = aptGet(ctx, progress, "update"); err == nil {
			err = aptGet(ctx, progress, install...)
		}
	}
	return err
}

// aptGet runs apt-get. Its error holds the end of what apt-get said.
func aptGet(ctx context.Context, progress io.Writer, args ...string) error {
	said := &tail{limit: 2 << 10}
	cmd := exec.CommandContext(ctx, "apt-get", args...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C.UTF-8")
	w := io.MultiWriter(progress, said)
	cmd.Stdout, cmd.Stderr = w, w
	// An interrupted dpkg leaves a half-installed package: ask before killing.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = time.Minute
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("apt-get %s: %w:\n%s", args[0], err, strings.TrimSpace(said.String()))
	}
	return nil
}

// forbidServices keeps packages of RabbitMQ and Erlang from starting their
// services until allow is called. A policy that is there already stays: it is
// the administrator's, or the container image's. If that one lets RabbitMQ
// start, allow stops it.
func forbidServices(policy string, progress io.Writer) (allow func(), err error) {
	// If we die before allow, the script forbids nothing from then on.
	script := fmt.Sprintf(`#!/bin/sh
# Written by Bindery's rabbitmqtest while it installs RabbitMQ. Safe to delete.
[ -d /proc/%d ] || exit 0
case "$1" in rabbitmq-server*|epmd*) exit %d;; esac
exit 0
`, os.Getpid(), forbidden)
	f, err := os.OpenFile(policy, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o755)
	if errors.Is(err, os.ErrExist) {
		var exit *exec.ExitError
		err := exec.Command(policy, "rabbitmq-server", "start").Run()
		if errors.As(err, &exit) && exit.ExitCode() == forbidden {
			return func() {}, nil
		}
		return func() {
			fmt.Fprintln(progress, "stopping the system service rabbitmq-server, which the installation has started")
			exec.Command("service", "rabbitmq-server", "stop").Run()
		}, nil
	}
	if err != nil {
		return nil, err
	}
	_, err = f.WriteString(script)
	if err = errors.Join(err, f.Chmod(0o755), f.Close()); err != nil {
		os.Remove(policy)
		return nil, err
	}
	return func() { os.Remove(policy) }, nil
}

// lockFolder waits for a folder's lock, which ends with unlock or with this
// process. A folder that is there anyway leaves no lock file behind.
func lockFolder(ctx context.Context, path string) (unlock func(), err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		locked, err := tryLock(f)
		if locked {
			return func() { f.Close() }, nil
		}
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			f.Close()
			return nil, fmt.Errorf("wait for another process that installs: %w", context.Cause(ctx))
		}
	}
}
