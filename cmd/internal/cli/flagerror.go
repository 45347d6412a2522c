package cli

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// flagError says what is wrong with a flag, and what would be right.
func flagError(cmd *cobra.Command, err error) error {
	if e, ok := errors.AsType[*pflag.NotExistError](err); ok {
		return unknownFlag(cmd, e)
	}
	if e, ok := errors.AsType[*pflag.ValueRequiredError](err); ok {
		return Usagef("%s needs a value; see %s --help", flagName(e.GetFlag()), cmd.Name())
	}
	if e, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		cause := e.Unwrap().Error()
		if e.GetFlag().Value.Type() == "bool" {
			cause = "must be true or false"
		}
		return Usagef("%s %q: %s", flagName(e.GetFlag()), clip(e.GetValue()), cause)
	}
	return Usagef("%v; see %s --help", err, cmd.Name())
}

func unknownFlag(cmd *cobra.Command, e *pflag.NotExistError) error {
	name := e.GetSpecifiedName()
	if group := e.GetSpecifiedShortnames(); group != "" {
		in := ""
		if len(group) > 1 {
			in = " in -" + group
		}
		return Usagef("unknown flag -%s%s; %s --help lists the flags", name[:1], in, cmd.Name())
	}
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	suggestion := didYouMean(name, "--", names)
	if suggestion == "" {
		suggestion = "; " + cmd.Name() + " --help lists the flags"
	}
	return Usagef("unknown flag --%s%s", name, suggestion)
}

// flagName is how a flag stands in errors.
func flagName(f *pflag.Flag) string {
	if f.Shorthand != "" {
		return "-" + f.Shorthand + "/--" + f.Name
	}
	return "--" + f.Name
}

// clip shortens a value for an error message.
func clip(s string) string {
	const most = 60
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
