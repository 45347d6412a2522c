package rabbitmqtest

import (
	"os"
	"path/filepath"
)

// folderPrefix begins the names of the nodes' folders.
const folderPrefix = "rabbitmqtest-"

// folder is where a node keeps everything. Its file "owner" is locked as long
// as the process that made it lives, so that others can tell a folder in use
// from one that a killed test process left behind.
type folder struct {
	path  string
	owner *os.File
}

// newFolder makes a folder under parent.
func newFolder(parent string) (_ *folder, err error) {
	f := &folder{}
	if f.path, err = os.MkdirTemp(parent, folderPrefix); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			f.remove()
		}
	}()
	// The lock is taken under another name: a sweep that finds "owner" between
	// its creation and its lock would take the folder for abandoned.
	early := filepath.Join(f.path, "owner.new")
	if f.owner, err = os.Create(early); err != nil {
		return nil, err
	}
	if locked, lockErr := tryLock(f.owner); !locked {
		// No locks here: the folder is never swept, and works otherwise.
		_ = lockErr
		return f, nil
	}
	return f, os.Rename(early, filepath.Join(f.path, "owner"))
}

// remove deletes the folder with all in it.
func (f *folder) remove() error {
	if f.owner != nil {
		f.owner.Close()
	}
	return os.RemoveAll(f.path)
}

// sweepAbandoned deletes the folders under parent whose makers are dead. What
// it may not or cannot delete, it leaves.
func sweepAbandoned(parent string) {
	owners, _ := filepath.Glob(filepath.Join(parent, folderPrefix+"*", "owner"))
	for _, name := range owners {
		f, err := os.Open(name)
		if err != nil {
			continue
		}
		if free, err := tryLock(f); free && err == nil {
			os.RemoveAll(filepath.Dir(name))
		}
		f.Close()
	}
}
