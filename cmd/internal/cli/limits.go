package cli

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// units are those of sizes, the largest first of each kind.
var units = []struct {
	name  string
	bytes int64
}{
	{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10},
	{"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}, {"B", 1},
}

// size is a number of bytes within bounds, with a unit or without.
type size struct {
	to        *int64
	low, high int64
}

var _ pflag.Value = size{}

func (v size) Set(s string) error {
	n, ok := parseSize(s)
	if !ok || n < v.low || n > v.high {
		return fmt.Errorf("must be a size from %s to %s, as %s or %d", formatSize(v.low), formatSize(v.high), formatSize(*v.to), *v.to)
	}
	*v.to = n
	return nil
}

func (v size) String() string {
	if v.to == nil {
		return ""
	}
	return formatSize(*v.to)
}

func (v size) Type() string { return "size" }

func parseSize(s string) (bytes int64, ok bool) {
	unit := int64(1)
	for _, u := range units {
		if number, found := strings.CutSuffix(s, u.name); found {
			s, unit = number, u.bytes
			break
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64/unit {
		return 0, false
	}
	return n * unit, true
}

// formatSize writes a size in the largest unit of which it is a multiple.
func formatSize(n int64) string {
	for _, u := range units {
		if strings.HasSuffix(u.name, "iB") && n >= u.bytes && n%u.bytes == 0 {
			return strconv.FormatInt(n/u.bytes, 10) + u.name
		}
	}
	return strconv.FormatInt(n, 10)
}

// Size adds a flag for a number of bytes from low to high, with a unit or
// without. What is in *to is its default.
func Size(cmd *cobra.Command, to *int64, name string, low, high int64, usage string) {
	cmd.Flags().Var(size{to, low, high}, name, usage)
	complete(cmd, name)
}

// duration is a positive time with a unit.
type duration struct{ to *time.Duration }

var _ pflag.Value = duration{}

func (v duration) Set(s string) error {
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 {
		return errors.New("must be a time of more than zero, as 10s or 500ms")
	}
	*v.to = d
	return nil
}

func (v duration) String() string {
	if v.to == nil {
		return ""
	}
	return v.to.String()
}

func (v duration) Type() string { return "time" }

// Duration adds a flag for a time of more than zero. What is in *to is its
// default.
func Duration(cmd *cobra.Command, to *time.Duration, name, usage string) {
	cmd.Flags().Var(duration{to}, name, usage)
	complete(cmd, name)
}
