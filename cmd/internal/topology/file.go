package topology

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"

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
		if text, err = yamlToJSON(text); err != nil {
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

// yamlToJSON is not the library's, which writes some strings so that they are no
// JSON.
func yamlToJSON(text []byte) ([]byte, error) {
	var v any
	if err := yaml.Unmarshal(text, &v); err != nil {
		return nil, err
	}
	return json.Marshal(pointed(v))
}

// pointed writes floats with a point, so that whole ones stay floats.
func pointed(v any) any {
	switch v := v.(type) {
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1e15 {
			return json.Number(strconv.FormatFloat(v, 'f', 1, 64))
		}
	case []any:
		for i := range v {
			v[i] = pointed(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = pointed(v[name])
		}
	}
	return v
}

// note says something on standard error.
func (c *command) note(format string, args ...any) {
	fmt.Fprintf(c.Stderr, "topology: "+format+"\n", args...)
}
