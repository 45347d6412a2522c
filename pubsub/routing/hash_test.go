package routing

import (
	"strings"
	"testing"
)

// FuzzNextWord checks that the scanner splits where strings.Split does, and
// hashes each word as hashWord does.
func FuzzNextWord(f *testing.F) {
	for _, key := range []string{"", ".", "..", "a", "a.b", "12345678", "12345678.", "1234567.9", "123456789abcdef.0123456789abcdef.x", "\x00.\x00\x00", "é.ü", "/.-./", "\xae.\x2d\x2f"} {
		f.Add(key)
	}
	f.Fuzz(func(t *testing.T, key string) {
		i := 0
		for _, w := range strings.Split(key, ".") {
			end, hash := nextWord(key, i)
			if got := key[i:end]; got != w || hash != hashWord(strings.Clone(w)) {
				t.Fatalf("key %q at %d: got word %q with hash %#x, want %q with %#x", key, i, got, hash, w, hashWord(w))
			}
			i = end + 1
		}
		if i != len(key)+1 {
			t.Fatalf("key %q: ended at %d", key, i)
		}
	})
}

// TestHashSpreads counts collisions among words that differ little, in the
// bits that a small hash table looks at.
func TestHashSpreads(t *testing.T) {
	var low, high [256]int
	const n = 256 * 64
	for i := range n {
		w := strings.Repeat("x", i%11) + string([]byte{byte('a' + i%26), byte(i), byte(i >> 8)})
		h := hashWord(w)
		low[h%256]++
		high[h>>8%256]++
	}
	for i := range low {
		if low[i] > 128 || high[i] > 128 || low[i] < 24 || high[i] < 24 {
			t.Errorf("bucket %d has %d and %d of %d words; 64 would be even", i, low[i], high[i], n)
		}
	}
}
