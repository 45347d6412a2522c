package routing

import (
	"hash/maphash"
	"math"
	"time"

	"github.com/gobindery/bindery/pubsub"
)

// seed is the process's own, so that nobody outside can choose names or words
// whose hashes collide.
var seed = maphash.MakeSeed()

func hashString(s string) uint32 { return uint32(maphash.String(seed, s)) }

// hashID spreads the bits of a target's id.
func hashID(id uint32) uint32 { return mix(id, 0x9e3779b9) }

// mix combines two hashes; the order counts.
func mix(a, b uint32) uint32 {
	h := (uint64(a)<<32 | uint64(b)) * 0x9e3779b97f4a7c15
	h ^= h >> 29
	return uint32(h * 0xbf58476d1ce4e5b9 >> 32)
}

// hashTable hashes arguments, so that identical ones have equal hashes. The
// order of names doesn't count.
func hashTable(t pubsub.Table) (h uint32) {
	for name, v := range t {
		h += mix(hashString(name), hashValue(v))
	}
	return h
}

func hashValue(v any) uint32 {
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
		return mix(5, uint32(maphash.Bytes(seed, v)))
	case time.Time:
		return mix(6, hash64(uint64(v.Unix())))
	case pubsub.Decimal:
		return mix(uint32(v.Scale)<<8|7, uint32(v.Value))
	case []any:
		h := uint32(8)
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
		return mix(12, hash64(uint64(n)))
	}
	return 0
}

func hash64(n uint64) uint32 { return mix(uint32(n>>32), uint32(n)) }

// hashFloat hashes both zeros alike, for they are equal.
func hashFloat(f float64) uint32 {
	if f != f {
		return 0
	}
	return hash64(math.Float64bits(f + 0))
}
