package topology

import (
	"bytes"

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
				if text, err = yaml.JSONToYAML(text); err != nil {
					return err
				}
			}
			_, err = c.Stdout.Write(text)
			return err
		},
	}
	cli.Choice(cmd, &format, "output", "o", []string{"json", "yaml"}, "`format`: json or yaml")
	cli.ShortString(cmd, &vhost, "vhost", "", "`name` of the vhost that the file tells")
	return cmd
}
