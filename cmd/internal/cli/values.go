package cli

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/gobindery/bindery/pubsub"
)

// The values of flags. Each says in its error what would be right; the name of
// the flag and the value given are added by flagError.

// choice is one word of a few.
type choice[T ~string] struct {
	to      *T
	options []T
}

var _ pflag.Value = choice[string]{}

func (c choice[T]) Set(s string) error {
	if !slices.Contains(c.options, T(s)) {
		words := make([]string, len(c.options))
		for i, o := range c.options {
			words[i] = string(o)
		}
		return fmt.Errorf("must be %s%s", oneOf(words), didYouMean(s, "", words))
	}
	*c.to = T(s)
	return nil
}

func (c choice[T]) String() string {
	if c.to == nil {
		return ""
	}
	return string(*c.to)
}

func (c choice[T]) Type() string { return "word" }

// oneOf lists words: "a, b or c".
func oneOf(words []string) string {
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// Choice adds a flag whose value is one of options, with shell completion. What
// is in *to is its default.
func Choice[T ~string](cmd *cobra.Command, to *T, name, shorthand string, options []T, usage string) {
	cmd.Flags().VarP(choice[T]{to, options}, name, shorthand, usage)
	words := make([]cobra.Completion, len(options))
	for i, o := range options {
		words[i] = string(o)
	}
	complete(cmd, name, words...)
}

// complete says what the shell offers as a flag's value; without words, nothing.
func complete(cmd *cobra.Command, name string, words ...cobra.Completion) {
	err := cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
	if err != nil {
		panic(err) // the flag doesn't exist, or has a completion already
	}
}

// shortString is a name or key: at most 255 bytes of UTF-8 (a short string of
// AMQP 0-9-1).
type shortString struct{ to *string }

var _ pflag.Value = shortString{}

func (v shortString) Set(s string) error {
	if err := checkShort(s); err != nil {
		return err
	}
	*v.to = s
	return nil
}

func (v shortString) String() string {
	if v.to == nil {
		return ""
	}
	return *v.to
}

func (v shortString) Type() string { return "string" }

func checkShort(s string) error {
	if len(s) > 255 {
		return fmt.Errorf("is %d bytes long; at most 255 are possible", len(s))
	}
	if !utf8.ValidString(s) {
		return errors.New("is not valid UTF-8")
	}
	return nil
}

// ShortString adds a flag for a name or a key of at most 255 bytes. What is in
// *to is its default.
func ShortString(cmd *cobra.Command, to *string, name, shorthand, usage string) {
	cmd.Flags().VarP(shortString{to}, name, shorthand, usage)
	complete(cmd, name)
}

// shortStrings is several of them.
type shortStrings struct{ to *[]string }

var _ pflag.Value = shortStrings{}

func (v shortStrings) Set(s string) error {
	if err := checkShort(s); err != nil {
		return err
	}
	*v.to = append(*v.to, s)
	return nil
}

func (v shortStrings) String() string { return "" } // nothing by default
func (v shortStrings) Type() string   { return "string" }

// ShortStrings adds a flag that may be repeated, each time with another name or
// key of at most 255 bytes.
func ShortStrings(cmd *cobra.Command, to *[]string, name, shorthand, usage string) {
	cmd.Flags().VarP(shortStrings{to}, name, shorthand, usage)
	complete(cmd, name)
}

// number is a whole number within bounds.
type number struct {
	to        *int
	low, high int
}

var _ pflag.Value = number{}

func (v number) Set(s string) error {
	n, err := strconv.Atoi(s)
	if err != nil || n < v.low || n > v.high {
		if v.high == math.MaxInt {
			return fmt.Errorf("must be a whole number of %d or more", v.low)
		}
		return fmt.Errorf("must be a whole number from %d to %d", v.low, v.high)
	}
	*v.to = n
	return nil
}

func (v number) String() string {
	if v.to == nil || *v.to == 0 {
		return ""
	}
	return strconv.Itoa(*v.to)
}

func (v number) Type() string { return "int" }

// Number adds a flag for a whole number from low to high. What is in *to is its
// default.
func Number(cmd *cobra.Command, to *int, name, shorthand string, low, high int, usage string) {
	cmd.Flags().VarP(number{to, low, high}, name, shorthand, usage)
	complete(cmd, name)
}

// headers is a table of strings, one entry for each time that the flag is there.
type headers struct{ to *pubsub.Table }

var _ pflag.Value = headers{}

func (v headers) Set(s string) error {
	name, value, ok := strings.Cut(s, "=")
	if !ok || name == "" {
		return errors.New("must look like name=value")
	}
	if err := checkShort(name); err != nil {
		return fmt.Errorf("its name %w", err)
	}
	if _, ok := (*v.to)[name]; ok {
		return fmt.Errorf("the header %q is there twice; give it once", name)
	}
	if *v.to == nil {
		*v.to = make(pubsub.Table)
	}
	(*v.to)[name] = value
	return nil
}

func (v headers) String() string { return "" } // nothing by default
func (v headers) Type() string   { return "name=value" }

// Headers adds the flag -H, --header name=value, which may be repeated. Values
// are strings.
func Headers(cmd *cobra.Command, to *pubsub.Table, usage string) {
	cmd.Flags().VarP(headers{to}, "header", "H", usage)
	complete(cmd, "header")
}
