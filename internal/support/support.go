// Package support keeps docs/support.md: what each backend keeps of the model,
// as the reports of the contract suite say.
package support

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/gobindery/bindery/pubsub/pubsubtest"
)

// Column is one backend of the page.
type Column int

// The backends, from left to right.
const (
	Memory Column = iota
	RabbitMQ
	Server // adapters/amqpserver over memory, with adapters/rabbitmq as its client
	NATS
	NATSCluster  // three nodes, each queue on all of them
	ServerOnNATS // as Server, over NATS
	columns
)

var titles = [columns]string{"memory", "RabbitMQ", "AMQP server over memory", "NATS", "NATS, three replicas", "AMQP server over NATS"}

// Variable is the environment variable that, set to "write", makes Check write
// the page. Run packages one after another then.
const Variable = "BINDERY_SUPPORT"

// Check returns what [pubsubtest.Options.Report] calls with the report of a
// backend: it fails the test if the page says otherwise. Cases that were not
// run, and those that failed, are left as they are.
func Check(t testing.TB, page string, c Column) func(pubsubtest.Report) {
	return func(r pubsubtest.Report) {
		old, err := os.ReadFile(page)
		if err != nil && !os.IsNotExist(err) {
			t.Errorf("support: %v", err)
			return
		}
		cells := parse(string(old))
		for _, res := range r.Results {
			switch res.Outcome {
			case pubsubtest.Passed:
				cells.set(res.Name, c, "yes")
			case pubsubtest.Waived:
				cells.set(res.Name, c, "no: "+res.Reason)
			}
		}
		now := render(pubsubtest.Cases(), cells)
		switch {
		case bytes.Equal(now, old):
		case os.Getenv(Variable) != "write":
			t.Errorf("support: %s does not say what the contract suite found for %s; run make support", page, titles[c])
		default:
			if err := os.WriteFile(page, now, 0o644); err != nil {
				t.Errorf("support: %v", err)
			}
		}
	}
}

// cells are the page's, by the case's name.
type cells map[string]*[columns]string

func (s cells) set(name string, c Column, text string) {
	if s[name] == nil {
		s[name] = new([columns]string)
	}
	s[name][c] = text
}

const head = `# What is supported

Each line is a case of the contract suite, package ` + "`pubsub/pubsubtest`" + `, and says whether a backend keeps it as RabbitMQ does. The tests of the adapters fail
where this page is not what they found; ` + "`make support`" + ` writes it.
`

// render writes the page, a table for each area.
func render(cases []pubsubtest.Case, s cells) []byte {
	var b bytes.Buffer
	b.WriteString(head)
	last := ""
	for _, c := range cases {
		area, _, _ := strings.Cut(c.Name, "/")
		if area != last {
			fmt.Fprintf(&b, "\n## %s\n\n| Case | What holds | %s |\n|---|---|%s\n", area, strings.Join(titles[:], " | "), strings.Repeat("---|", len(titles)))
			last = area
		}
		row := []string{"`" + c.Name + "`", c.Why}
		for i := range columns {
			text := "not run yet"
			if s[c.Name] != nil && s[c.Name][i] != "" {
				text = s[c.Name][i]
			}
			row = append(row, text)
		}
		for i := range row {
			row[i] = strings.ReplaceAll(row[i], "|", `\|`)
		}
		fmt.Fprintf(&b, "| %s |\n", strings.Join(row, " | "))
	}
	return b.Bytes()
}

// parse reads the cells of a page that render wrote.
func parse(page string) cells {
	s := make(cells)
	for line := range strings.Lines(page) {
		row := strings.Split(strings.TrimSuffix(strings.TrimPrefix(line, "| "), " |\n"), " | ")
		if len(row) != 2+int(columns) || !strings.HasPrefix(row[0], "`") {
			continue
		}
		for i := range columns {
			if text := strings.ReplaceAll(row[2+i], `\|`, "|"); text != "not run yet" {
				s.set(strings.Trim(row[0], "`"), i, text)
			}
		}
	}
	return s
}
