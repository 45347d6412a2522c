package cli

import "github.com/spf13/cobra"

// Shells are those that "completion SHELL" writes a script for.
var Shells = []string{"bash", "zsh", "fish", "powershell"}

// completion returns what writes the completion script that args ask for. It is
// asked for by exactly two words, so that a message may begin with the word
// "completion": cobra's own subcommand would take that for itself.
func completion(args []string) (write func(*cobra.Command) error, ok bool) {
	if len(args) != 2 || args[0] != "completion" {
		return nil, false
	}
	switch args[1] {
	case "bash":
		return func(c *cobra.Command) error { return c.GenBashCompletionV2(c.OutOrStdout(), true) }, true
	case "zsh":
		return func(c *cobra.Command) error { return c.GenZshCompletion(c.OutOrStdout()) }, true
	case "fish":
		return func(c *cobra.Command) error { return c.GenFishCompletion(c.OutOrStdout(), true) }, true
	case "powershell":
		return func(c *cobra.Command) error { return c.GenPowerShellCompletionWithDesc(c.OutOrStdout()) }, true
	}
	return nil, false
}
