package cli

import (
	"errors"
	"runtime/debug"
	"testing"
)

func TestDidYouMean(t *testing.T) {
	words := []string{"exchange", "type", "durable", "key", "body", "json", "n"}
	for word, want := range map[string]string{
		"exhange":   "; did you mean --exchange?", // one is missing
		"echxange":  "; did you mean --exchange?", // swapped
		"exxchange": "; did you mean --exchange?", // one too many
		"EXCHANGE":  "; did you mean --exchange?",
		"exch":      "", // four are missing
		"typ":       "; did you mean --type?",
		"kye":       "; did you mean --key?",
		"xml":       "", // three letters of three differ
		"x":         "",
		"":          "",
		"jsån":      "; did you mean --json?", // by bytes
	} {
		if got := didYouMean(word, "--", words); got != want {
			t.Errorf("didYouMean(%q) = %q, want %q", word, got, want)
		}
	}
}

func TestEdits(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"abc", "abc", 0}, {"abc", "abd", 1}, {"abc", "acb", 1},
		{"ab", "ba", 1}, {"kitten", "sitting", 3}, {"ca", "abc", 3}, {"topik", "topic", 1},
	} {
		if got := edits(c.a, c.b); got != c.want {
			t.Errorf("edits(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

func TestVersion(t *testing.T) {
	for _, c := range []struct {
		info debug.BuildInfo
		want string
	}{
		{debug.BuildInfo{GoVersion: "go1.26.8"}, "(devel) go1.26.8"},
		{debug.BuildInfo{
			GoVersion: "go1.26.8",
			Main:      debug.Module{Version: "v0.1.0"},
			Settings:  []debug.BuildSetting{{Key: "GOOS", Value: "linux"}, {Key: "GOARCH", Value: "arm64"}},
		}, "v0.1.0 go1.26.8 linux/arm64"},
		{debug.BuildInfo{
			GoVersion: "go1.26.8",
			Main:      debug.Module{Version: "(devel)"},
			Settings: []debug.BuildSetting{
				{Key: "vcs.revision", Value: "0123456789abcdef0123456789abcdef01234567"},
				{Key: "vcs.modified", Value: "true"},
			},
		}, "(devel) go1.26.8 commit 0123456789ab (modified)"},
	} {
		if got := describe(&c.info); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestLine(t *testing.T) {
	for text, want := range map[string]string{
		"nothing":                      "nothing",
		"two errors\nand another\n":    "two errors; and another",
		"not as wanted:\nthis\nthat":   "not as wanted: this; that",
		"amqp://host:5672\nis no host": "amqp://host:5672; is no host",
	} {
		if got := line(errors.New(text)); got != want {
			t.Errorf("%q is %q on one line, want %q", text, got, want)
		}
	}
}
