package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
)

// Execute runs cmd and returns its exit code. A failure is one line on standard
// error, after the command's name.
func Execute(ctx context.Context, cmd *cobra.Command, args []string, env Env) int {
	cmd.SetArgs(append([]string{}, args...)) // cobra would take os.Args for nil
	cmd.SetIn(env.Stdin)
	cmd.SetOut(env.Stdout)
	cmd.SetErr(env.Stderr)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.SetFlagErrorFunc(flagError)
	cmd.Version = version()
	cmd.SetVersionTemplate("{{.Name}} {{.Version}}\n")
	cmd.DisableFlagsInUseLine = true
	cmd.CompletionOptions.DisableDefaultCmd = true
	cmd.ValidArgsFunction = cobra.NoFileCompletions

	err := run(ctx, cmd, args)
	if err != nil && err.Error() != "" {
		fmt.Fprintf(env.Stderr, "%s: %s\n", cmd.Name(), line(err))
	}
	return exitCode(err)
}

func run(ctx context.Context, cmd *cobra.Command, args []string) error {
	if shell, ok := completion(args); ok {
		return shell(cmd)
	}
	return cmd.ExecuteContext(ctx)
}
