package topology

import (
	"bytes"
	"fmt"
	"io"
	"os"

	"github.com/goccy/go-yaml"

	"github.com/gobindery/bindery/pubsub"
	"github.com/gobindery/bindery/pubsub/topology"
)

// read reads a topology file, JSON or YAML, and says on standard error what in
// it has no effect. An empty vhost is the only one of the file.
func (c *command) read(name, vhost string) (pubsub.Topology, error) {
	text, what := []byte(nil), name
	var err error
	if name == "-" {
		what = "standard input"
		text, err = io.ReadAll(c.Stdin)
	} else {
		text, err = os.ReadFile(name)
	}
	if err != nil {
		return pubsub.Topology{}, fmt.Errorf("read the topology file: %w", err)
	}
	if !bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) {
		if text, err = yaml.YAMLToJSON(text); err != nil {
			return pubsub.Topology{}, fmt.Errorf("read %s: %w: it is neither JSON nor YAML: %s", what, pubsub.ErrInvalid, yaml.FormatError(err, false, false))
		}
	}
	t, warnings, err := topology.ReadDefinitions(bytes.NewReader(text), vhost)
	if err != nil {
		return t, fmt.Errorf("read %s: %w", what, err)
	}
	for _, w := range warnings {
		c.note("%s: %s", what, w)
	}
	return t, nil
}

// note says something on standard error.
func (c *command) note(format string, args ...any) {
	fmt.Fprintf(c.Stderr, "topology: "+format+"\n", args...)
}
