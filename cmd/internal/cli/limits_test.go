package cli

import (
	"math"
	"testing"
	"time"
)

func TestSize(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "4096": 4096, "4096B": 4096, "4KiB": 4096, "512MiB": 512 << 20, "1GiB": 1 << 30, "8TiB": 8 << 40,
		"1kB": 1000, "5MB": 5e6, "2GB": 2e9, "1TB": 1e12, "8388607TiB": 8388607 << 40,
	} {
		var got int64
		if err := (size{&got, 0, math.MaxInt64}).Set(text); err != nil || got != want {
			t.Errorf("%q is %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "x", "-1", "1.5GiB", "1 GiB", "1gib", "1G", "MiB", "8388608TiB", "9223372036854775808", "9MiB", "4095"} {
		if err := (size{new(int64(1 << 20)), 4096, 8 << 20}).Set(text); err == nil || err.Error() != "must be a size from 4KiB to 8MiB, as 1MiB or 1048576" {
			t.Errorf("%q: %v", text, err)
		}
	}
	for n, want := range map[int64]string{0: "0", 1000: "1000", 1 << 10: "1KiB", 1025: "1025", 3 << 19: "1536KiB", 1 << 30: "1GiB"} {
		if got := (size{to: &n}).String(); got != want {
			t.Errorf("%d is shown as %q, want %q", n, got, want)
		}
	}
}

func TestDuration(t *testing.T) {
	var d time.Duration
	if err := (duration{&d}).Set("1m30s"); err != nil || d != 90*time.Second {
		t.Errorf("%v, %v", d, err)
	}
	for _, text := range []string{"", "5", "0s", "-1s", "x"} {
		if err := (duration{&d}).Set(text); err == nil || err.Error() != "must be a time of more than zero, as 10s or 500ms" {
			t.Errorf("%q: %v", text, err)
		}
	}
}
