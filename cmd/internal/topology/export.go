package topology

import (
	"bytes"
	"reflect"
	"unicode"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"

	"github.com/gobindery/bindery/cmd/internal/cli"
	"github.com/gobindery/bindery/pubsub/topology"
)

// export writes what there is as a definitions file.
func (c *command) export() *cobra.Command {
	format, vhost := "json", "/"
	cmd := &cobra.Command{
		Use:   "export [flags]",
		Short: "write what there is as RabbitMQ's definitions.json",
		Long: `Write what there is to standard output as RabbitMQ's definitions.json, which
"rabbitmqctl import_definitions", the management API and apply take. Messages,
users and policies are not in it.`,
		Args: words(0, 0, "flags only"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			t, err := c.topology(cmd, "")
			if err != nil {
				return err
			}
			var b bytes.Buffer
			warnings, err := topology.WriteDefinitions(&b, vhost, t)
			if err != nil {
				return err
			}
			for _, w := range warnings {
				c.note("%s", w)
			}
			text := b.Bytes()
			if format == "yaml" {
				text = toYAML(text)
			}
			_, err = c.Stdout.Write(text)
			return err
		},
	}
	cli.Choice(cmd, &format, "output", "o", []string{"json", "yaml"}, "`format`: json or yaml")
	cli.ShortString(cmd, &vhost, "vhost", "", "`name` of the vhost that the file tells")
	return cmd
}

// toYAML writes definitions as YAML. Where the library does not read again what it
// writes, as with control characters in names, the JSON stays, which is YAML too.
func toYAML(text []byte) []byte {
	y, err := yaml.JSONToYAML(text)
	if err != nil {
		return text
	}
	back, err := yamlToJSON(y)
	if err != nil {
		return text
	}
	before, _, err1 := topology.ReadDefinitions(bytes.NewReader(text), "")
	after, _, err2 := topology.ReadDefinitions(bytes.NewReader(back), "")
	control := func(r rune) bool { return unicode.IsControl(r) && r != '\n' }
	if err1 != nil || err2 != nil || !reflect.DeepEqual(before, after) || bytes.ContainsFunc(y, control) {
		return text
	}
	return y
}
