package routing

import (
	"math"
	"math/bits"
	"math/rand/v2"
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

// hashString hashes a string in steps of eight bytes.
func hashString(s string) uint64 {
	h, i := secretStart, 0
	for ; i+8 <= len(s); i += 8 {
		h = fold(h^load64(s, i), secretStep)
	}
	return fold(h^tail(s, i)^uint64(len(s))<<56, secretEnd)
}

// longWord is the length from which words are compared byte by byte: the
// hashes of two shorter ones are equal only if the words are.
const longWord = 8

// hashWord hashes a word of a pattern, as [nextWord] does those of a key.
func hashWord(w string) uint64 {
	h, i := secretStart, 0
	for ; i+8 <= len(w); i += 8 {
		h = fold(h^load64(w, i), secretStep)
	}
	return endWord(h, tail(w, i), len(w))
}

// nextWord returns the end and the hash of the word of a key that begins at i.
// It looks for the dot and hashes in one go, eight bytes at a time.
func nextWord(key string, i int) (end int, hash uint64) {
	h, begin := secretStart, i
	for ; i+8 <= len(key); i += 8 {
		x := load64(key, i)
		if n := beforeDot(x); n < 8 {
			return i + n, endWord(h, x&(1<<(8*n)-1), i+n-begin)
		}
		h = fold(h^x, secretStep)
	}
	x := tail(key, i)
	n := min(beforeDot(x), len(key)-i)
	return i + n, endWord(h, x&(1<<(8*n)-1), i+n-begin)
}

// endWord finishes a word's hash: h is that of what came before, last the up
// to seven bytes after, n the length of all. A short word is all in last, and
// its hash is made of steps that can be undone, so it stands for that word
// alone. Bit 59 tells long words apart.
func endWord(h, last uint64, n int) uint64 {
	if n < longWord {
		return scramble(last | uint64(n)<<56)
	}
	return scramble(fold(h^last^uint64(n)<<56, secretEnd) | 1<<59)
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

// tail returns the bytes of s from i, seven at most, and zeros.
func tail(s string, i int) uint64 {
	n := len(s) - i
	if len(s) >= 8 {
		return load64(s, len(s)-8) >> (8 * (8 - n))
	}
	switch s = s[i:]; {
	case n == 0:
		return 0
	case n >= 4:
		return load32(s, 0) | load32(s, n-4)<<(8*(n-4))
	}
	return uint64(s[0]) | uint64(s[n/2])<<(8*(n/2)) | uint64(s[n-1])<<(8*(n-1))
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
