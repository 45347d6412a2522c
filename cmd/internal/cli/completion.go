package cli

import (
	"slices"

	"github.com/spf13/cobra"
)

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

// CheckCompletion returns an error for the word "completion": it has no shell
// that is known, or completion would have taken it, or something stands beside it. It is
// for commands that take no words of their own.
func CheckCompletion(args []string) error {
	switch {
	case len(args) == 0 || args[0] != "completion":
		return nil
	case len(args) == 1:
		return Usagef("completion takes a shell: %s", oneOf(Shells))
	case !slices.Contains(Shells, args[1]):
		return UnknownWord("shell", args[1], Shells)
	}
	return Usagef("completion %s stands alone, without flags and further words", args[1])
}
