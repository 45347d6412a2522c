package local

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

// Folder returns the folder of the local broker, which Open makes: in
// $XDG_RUNTIME_DIR, the user's own folder for sockets, or in the folder for
// temporary files if there is none. See
// https://specifications.freedesktop.org/basedir-spec/latest.
func Folder() string {
	if dir := os.Getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(dir) && own(dir) == nil {
		return filepath.Join(dir, "bindery")
	}
	return filepath.Join(os.TempDir(), "bindery-"+strconv.Itoa(os.Geteuid()))
}

// makeFolder makes the folder, or makes sure that nobody else can get at it:
// in a folder for temporary files another user may have made it first.
func makeFolder(path string) error {
	// A socket's path has 104 bytes on some systems, a last zero included: see
	// unix(4), sun_path.
	if n := len(socketPath(path) + next); n > 103 {
		return fmt.Errorf("the local broker's socket would have a path of %d bytes, below %s; at most 103 are possible: set $XDG_RUNTIME_DIR to a folder of your own with a shorter path", n, path)
	}
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("make the local broker's folder: %w", err)
	}
	if err := own(path); err != nil {
		return fmt.Errorf("the local broker's folder: %w; delete it, or set $XDG_RUNTIME_DIR to a folder of your own", err)
	}
	return nil
}
