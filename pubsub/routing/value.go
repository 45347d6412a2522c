package routing

import (
	"bytes"
	"math"
	"slices"
	"time"

	"github.com/gobindery/bindery/pubsub"
)

// class is how RabbitMQ sees a header's value when it compares: what its
// decoder leaves of the AMQP type. Values of different classes are never
// equal.
type class uint8

const (
	classVoid class = iota
	classBool
	classNumber // integers of all widths, floats, and timestamps, as seconds
	classText   // strings and bytes
	classDecimal
	classList // lists, and tables, as a list of entries
	classOther
)

func classOf(v any) class {
	switch v.(type) {
	case nil:
		return classVoid
	case bool:
		return classBool
	case string, []byte:
		return classText
	case int8, int16, int32, int64, uint8, uint16, uint32, float32, float64, time.Time, int, uint, uint64:
		return classNumber
	case pubsub.Decimal:
		return classDecimal
	case []any, pubsub.Table:
		return classList
	}
	return classOther
}

// sameValue reports whether a header's value is what a binding asks for. At
// the top, the types count only as far as RabbitMQ's decoder keeps them apart;
// inside lists and tables they count in full.
func sameValue(a, b any) bool {
	c := classOf(a)
	if c != classOf(b) {
		return false
	}
	switch c {
	case classVoid:
		return true
	case classBool:
		return a.(bool) == b.(bool)
	case classNumber:
		return numberOf(a) == numberOf(b)
	case classText:
		return sameText(a, b)
	case classDecimal:
		return a.(pubsub.Decimal) == b.(pubsub.Decimal)
	case classList:
		return identical(a, b) || length(a) == 0 && length(b) == 0
	}
	return false
}

func sameText(a, b any) bool {
	switch a := a.(type) {
	case string:
		switch b := b.(type) {
		case string:
			return a == b
		case []byte:
			return a == string(b)
		}
	case []byte:
		switch b := b.(type) {
		case string:
			return string(a) == b
		case []byte:
			return bytes.Equal(a, b)
		}
	}
	return false
}

func length(v any) int {
	switch v := v.(type) {
	case []any:
		return len(v)
	case pubsub.Table:
		return len(v)
	}
	return -1
}

// number is a number in a form in which equal numbers are equal: an integer,
// if it is one that fits, else a float. No precision is lost, as Erlang
// compares integers with floats exactly.
type number struct {
	negative bool
	whole    uint64  // the absolute value of an integer
	float    float64 // anything else
}

func numberOf(v any) number {
	switch v := v.(type) {
	case float32:
		return floatNumber(float64(v))
	case float64:
		return floatNumber(v)
	case time.Time:
		return number{whole: uint64(v.Unix())} // AMQP: unsigned
	case uint64:
		return number{whole: v}
	}
	n, _ := integer(v)
	if n < 0 {
		return number{negative: true, whole: -uint64(n)}
	}
	return number{whole: uint64(n)}
}

func floatNumber(f float64) number {
	if f != math.Trunc(f) || math.Abs(f) >= 1<<64 {
		return number{float: f}
	}
	return number{negative: f < 0, whole: uint64(math.Abs(f))}
}

// integer returns the value of v, if it is an integer.
func integer(v any) (int64, bool) {
	switch v := v.(type) {
	case int:
		return int64(v), true
	case int8:
		return int64(v), true
	case int16:
		return int64(v), true
	case int32:
		return int64(v), true
	case int64:
		return v, true
	case uint:
		return int64(v), true
	case uint8:
		return int64(v), true
	case uint16:
		return int64(v), true
	case uint32:
		return int64(v), true
	case uint64:
		return int64(v), true
	}
	return 0, false
}

// identical reports whether a and b have the same type and are equal. A nil
// table equals an empty one, a time its instant in another place, and a NaN
// itself, so that a binding with one can be taken away.
func identical(a, b any) bool {
	switch a := a.(type) {
	case []byte:
		b, ok := b.([]byte)
		return ok && bytes.Equal(a, b)
	case time.Time:
		b, ok := b.(time.Time)
		return ok && a.Unix() == b.Unix()
	case pubsub.Table:
		b, ok := b.(pubsub.Table)
		if !ok || len(a) != len(b) {
			return false
		}
		for k, v := range a {
			if w, ok := b[k]; !ok || !identical(v, w) {
				return false
			}
		}
		return true
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, identical)
	case float64:
		b, ok := b.(float64)
		return ok && (a == b || a != a && b != b)
	case float32:
		b, ok := b.(float32)
		return ok && (a == b || a != a && b != b)
	}
	switch b.(type) {
	case []byte, pubsub.Table, []any:
		return false // not comparable with ==
	}
	return a == b
}
