package graph

import (
	"bytes"
	"encoding/xml"
	"flag"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/gobindery/bindery/pubsub"
	"github.com/gobindery/bindery/pubsub/topology"
)

var update = flag.Bool("update", false, "write the golden files")

// lit is the logging topology with a message on its way.
func lit(t *testing.T, exchange, key string) *Graph {
	t.Helper()
	x, err := topology.Explain(logging(), exchange, key, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	g := New(logging(), nil)
	g.Light(x)
	return g
}

// TestGolden compares drawings, byte by byte, with those that somebody has
// looked at.
func TestGolden(t *testing.T) {
	graphs := map[string]*Graph{
		"empty":   New(pubsub.Topology{Exchanges: []pubsub.Exchange{exchange("amq.topic", pubsub.Topic)}}, nil),
		"one":     New(pubsub.Topology{Queues: []pubsub.QueueStatus{queue("alone", 1, 0, 0)}}, nil),
		"logging": New(logging(), nil),
		"lit":     lit(t, "amq.topic", "kern.critical"),
		"unlit":   lit(t, "", "audit"),
		"wide":    New(wide(50), nil),
		"cycles":  New(cycles(), nil),
		"names":   New(names(), nil),
	}
	for name, g := range graphs {
		for ending, write := range map[string]func(io.Writer) error{".svg": g.WriteSVG, ".mmd": g.WriteMermaid, ".dot": g.WriteDOT} {
			t.Run(name+ending, func(t *testing.T) {
				var got bytes.Buffer
				if err := write(&got); err != nil {
					t.Fatal(err)
				}
				golden := filepath.Join("testdata", name+ending)
				if *update {
					if err := os.WriteFile(golden, got.Bytes(), 0o666); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(golden)
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(got.Bytes(), want) {
					t.Errorf("%s is another drawing now. Look at it: go test ./cmd/internal/graph -run TestGolden -update, and commit it if it is good", golden)
				}
				if ending == ".svg" {
					checkXML(t, got.Bytes())
				}
			})
		}
	}
}

func checkXML(t *testing.T, text []byte) {
	t.Helper()
	for d := xml.NewDecoder(bytes.NewReader(text)); ; {
		if _, err := d.Token(); err == io.EOF {
			return
		} else if err != nil {
			t.Fatalf("it is no XML: %v", err)
		}
	}
}
