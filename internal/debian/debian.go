// Package debian installs programs that tests run, as Debian packages them.
package debian

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
)

// Python is the interpreter that Debian's Python packages are for.
const Python = "/usr/bin/python3"

// Need makes sure that a package is there: the probe, a command, succeeds.
// Where it fails and this is root on Debian, the package is installed;
// elsewhere the test fails and says what to do. Safe for concurrent use, also
// by several processes: one installs, the others wait.
func Need(tb testing.TB, name string, probe ...string) {
	tb.Helper()
	if err := Install(name, probe...); err != nil {
		tb.Fatal(err)
	}
}

// Install is Need outside a test. Services of the package are not started.
func Install(name string, probe ...string) error {
	once, _ := needs.LoadOrStore(name, sync.OnceValue(func() error { return install(name, probe) }))
	return once.(func() error)()
}

// needs has a func() error for each package that was asked for.
var needs sync.Map

func install(name string, probe []string) error {
	works := func() bool { return exec.Command(probe[0], probe[1:]...).Run() == nil }
	if works() {
		return nil
	}
	remedy := "install it: apt-get install " + name
	if os.Geteuid() != 0 {
		return fmt.Errorf("this test needs %s, and only root can install it; %s", name, remedy)
	}
	// Who waited for the lock may find that the other has installed it. That is
	// the folder which rabbitmqtest locks while it installs.
	script := `probe() { "$@" >/dev/null 2>&1; }
name=$1; shift
probe "$@" && exit
# While this script lives a package may start no service, see invoke-rc.d(8). A
# policy that is there already stays.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
	trap 'rm -f $policy' EXIT
	printf '#!/bin/sh\n# Written by Bindery while it installs a package. Safe to delete.\n[ ! -d /proc/%s ] || exit 101\n' $$ >$policy
	chmod 755 $policy
fi
get="apt-get -o DPkg::Lock::Timeout=300 install --yes --no-install-recommends $name"
$get || { apt-get update && $get; }`
	cmd := exec.Command("flock", append([]string{"/var/lib/dpkg", "sh", "-c", script, "sh", name}, probe...)...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C.UTF-8")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("this test needs %s, and its installation failed: %w\n%s\n%s", name, err, out, remedy)
	}
	if !works() {
		return fmt.Errorf("%s is installed, and yet %q fails; %s", name, strings.Join(probe, " "), remedy)
	}
	return nil
}
