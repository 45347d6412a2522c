package rabbitmqtest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// serverPlaces are where packages put rabbitmq-server: Debian and Red Hat,
// Homebrew, and by hand.
var serverPlaces = []string{
	"/usr/lib/rabbitmq/bin",
	"/opt/homebrew/opt/rabbitmq/sbin",
	"/usr/local/opt/rabbitmq/sbin",
	"/opt/rabbitmq/sbin",
	"/usr/local/sbin",
}

// Find returns the path of an installed rabbitmq-server script: one in $PATH,
// or else where packages usually put it. The error tells where it looked.
func Find() (string, error) {
	return findServer(os.Getenv("PATH"), serverPlaces)
}

func findServer(path string, places []string) (string, error) {
	for _, dir := range append(filepath.SplitList(path), places...) {
		if dir == "" {
			continue
		}
		name := filepath.Join(dir, "rabbitmq-server")
		real, err := filepath.EvalSymlinks(name)
		if err != nil {
			continue
		}
		// Debian's command is a wrapper that insists on the user rabbitmq or
		// root, and as root becomes the user rabbitmq. The script that it
		// runs stands beside it.
		if filepath.Base(real) == "rabbitmq-script-wrapper" {
			name = filepath.Join(filepath.Dir(real), "rabbitmq-server")
		}
		if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return name, nil
		}
	}
	return "", fmt.Errorf("no rabbitmq-server is installed (looked in $PATH and in %s)", strings.Join(places, ", "))
}

// findEpmd returns the path of the Erlang port mapper. Not every package of
// Erlang puts it into $PATH.
func findEpmd() (string, error) {
	if name, err := exec.LookPath("epmd"); err == nil {
		return name, nil
	}
	for _, pattern := range []string{
		"/usr/lib/erlang/erts-*/bin/epmd",
		"/usr/lib64/erlang/erts-*/bin/epmd",
		"/usr/local/lib/erlang/erts-*/bin/epmd",
		"/opt/homebrew/lib/erlang/erts-*/bin/epmd",
	} {
		if found, _ := filepath.Glob(pattern); len(found) > 0 {
			return found[len(found)-1], nil
		}
	}
	return "", errors.New("epmd, the Erlang port mapper, is not in $PATH; it comes with Erlang")
}
