package routing

import (
	"math"
	"math/bits"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/gobindery/bindery/pubsub"
)

// The process's own secrets, so that nobody outside can choose names or words
// whose hashes collide.
var (
	secretStart = rand.Uint64()
	secretStep  = rand.Uint64() | 1
	secretEnd   = rand.Uint64() | 1
)

// hashString hashes a string in steps of sixteen bytes. The last step may take
// some bytes once more.
func hashString(s string) uint64 {
	h, n := secretStart^uint64(len(s)), len(s)
	if n < 8 {
		return fold(tail(s)^secretEnd, h)
	}
	for i := 0; i+16 < n; i += 16 {
		h = fold(load64(s, i)^secretStep, load64(s, i+8)^h)
	}
	return fold(load64(s, max(0, n-16))^secretEnd, load64(s, n-8)^h)
}

// longWord is the length from which words are compared byte by byte: the
// hashes of two shorter ones are equal only if the words are.
const longWord = 8

// hashWord hashes a word of a pattern, as [nextWord] does those of a key.
//
// A short word is all in one number, and its hash is made of steps that can be
// undone, so it stands for that word alone. Bit 59 tells long words apart.
func hashWord(w string) uint64 {
	if len(w) < longWord {
		return scramble(tail(w) | uint64(len(w))<<56)
	}
	return scramble(hashString(w) | 1<<59)
}

// nextWord returns the end and the hash of the word of a key that begins at i.
// It looks for the dot in eight bytes at a time.
func nextWord(key string, i int) (end int, hash uint64) {
	var x uint64
	n := len(key) - i
	switch {
	case n >= 8:
		x = load64(key, i)
		n = beforeDot(x)
		if n == 8 {
			return nextLongWord(key, i)
		}
	case len(key) >= 8:
		x = load64(key, len(key)-8) >> (8 * (8 - n))
		n = min(n, beforeDot(x))
	default:
		x = tail(key[i:])
		n = min(n, beforeDot(x))
	}
	x &= 1<<(8*n%64) - 1
	return i + n, scramble(x | uint64(n)<<56)
}

// nextLongWord is nextWord where there is no dot in the first eight bytes.
func nextLongWord(key string, i int) (end int, hash uint64) {
	end = len(key)
	if n := strings.IndexByte(key[i+8:], '.'); n >= 0 {
		end = i + 8 + n
	}
	return end, scramble(hashString(key[i:end]) | 1<<59)
}

// scramble spreads the bits of x; no two x become the same.
func scramble(x uint64) uint64 {
	x = (x ^ secretStart) * secretEnd // odd, so it can be undone
	x ^= x >> 32
	x *= secretStep
	return x ^ x>>32
}

// beforeDot returns how many of eight bytes stand before the first dot.
func beforeDot(x uint64) int {
	const ones = 0x0101010101010101
	x ^= '.' * ones
	return bits.TrailingZeros64((x-ones)&^x&(ones<<7)) / 8
}

// fold multiplies to 128 bits and folds them into 64.
func fold(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

// load64 returns eight bytes of s, from i; the compiler makes it one load.
func load64(s string, i int) uint64 {
	s = s[i : i+8]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

func load32(s string, i int) uint64 {
	s = s[i : i+4]
	return uint64(uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24)
}

// tail returns the bytes of s, seven at most, and zeros.
func tail(s string) uint64 {
	switch n := len(s); {
	case n == 0:
		return 0
	case n >= 4:
		return load32(s, 0) | load32(s, n-4)<<(8*(n-4))
	default:
		return uint64(s[0]) | uint64(s[n/2])<<(8*(n/2)) | uint64(s[n-1])<<(8*(n-1))
	}
}

// hashID spreads the bits of a target's id.
func hashID(id uint32) uint64 { return scramble(uint64(id)) }

// mix combines two hashes; the order counts.
func mix(a, b uint64) uint64 {
	return fold(fold(a^secretStart, secretStep)^b, secretEnd)
}

// hashTable hashes arguments, so that identical ones have equal hashes. The
// order of names doesn't count.
func hashTable(t pubsub.Table) (h uint64) {
	for name, v := range t {
		h += mix(hashString(name), hashValue(v))
	}
	return h
}

func hashValue(v any) uint64 {
	switch v := v.(type) {
	case nil:
		return 1
	case bool:
		if v {
			return 3
		}
		return 2
	case string:
		return mix(4, hashString(v))
	case []byte:
		return mix(5, hashString(string(v)))
	case time.Time:
		return mix(6, uint64(v.Unix()))
	case pubsub.Decimal:
		return mix(uint64(v.Scale)<<8|7, uint64(v.Value))
	case []any:
		h := uint64(8)
		for _, e := range v {
			h = mix(h, hashValue(e))
		}
		return h
	case pubsub.Table:
		return mix(9, hashTable(v))
	case float32:
		return mix(10, hashFloat(float64(v)))
	case float64:
		return mix(11, hashFloat(v))
	}
	if n, ok := integer(v); ok {
		return mix(12, uint64(n))
	}
	return 0
}

// hashFloat hashes both zeros alike, for they are equal.
func hashFloat(f float64) uint64 {
	if f != f {
		return 0
	}
	return math.Float64bits(f + 0)
}
