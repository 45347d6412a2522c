// Package chromium is the browser of tests, as Debian packages it.
package chromium

import "github.com/gobindery/bindery/internal/debian"

// program is where the package puts it.
const program = "/usr/bin/chromium"

// Install makes sure that Debian's package chromium is there, and returns the
// path of the program. It is installed if it is missing, which needs root. Safe
// for concurrent use, also by several processes: one installs, the others wait.
func Install() (string, error) {
	return program, debian.Install("chromium", program, "--version")
}
