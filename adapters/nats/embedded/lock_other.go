//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package embedded

import (
	"fmt"
	"os"

	"github.com/gobindery/bindery/pubsub"
)

func tryLock(path string) (*os.File, error) {
	return nil, fmt.Errorf("%w: this system has no lock for the file %s, which keeps a second server out of the folder", pubsub.ErrUnsupported, path)
}
