package pubsub

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
)

// everyType is a table with a value of each type that arrives as it is.
func everyType() Table {
	return Table{
		"nil": nil, "bool": true, "string": "s", "bytes": []byte("b"),
		"int8": int8(-8), "int16": int16(-16), "int32": int32(-32), "int64": int64(-64),
		"uint8": uint8(8), "uint16": uint16(16), "uint32": uint32(32),
		"float32": float32(1.5), "float64": 2.5, "decimal": Decimal{Scale: 2, Value: 314},
		"time":  time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		"list":  []any{"a", []any{int64(1)}, Table{"x": []byte("y")}},
		"table": Table{"in": Table{"deep": []byte("z")}},
	}
}

func TestTableAccepts(t *testing.T) {
	table := everyType()
	wantErr(t, "check", checkTable("header", table))
	n, changed := table.normalize()
	if changed || !reflect.DeepEqual(n, everyType()) {
		t.Errorf("normalize changed %v to %v", everyType(), n)
	}
	// And some on the way in.
	for _, c := range []struct{ in, want any }{
		{5, int64(5)},
		{uint(5), int64(5)},
		{uint64(math.MaxInt64), int64(math.MaxInt64)},
		{map[string]any{"a": 1}, Table{"a": int64(1)}},
		{map[string]any{"a": "b"}, Table{"a": "b"}},
		{map[string]any(nil), Table(nil)},
		{[]any{1, map[string]any{"a": []any{2}}, "s"}, []any{int64(1), Table{"a": []any{int64(2)}}, "s"}},
		{Table{"a": Table{"b": 3}, "c": "d"}, Table{"a": Table{"b": int64(3)}, "c": "d"}},
		{time.Date(2026, 1, 2, 3, 4, 5, 999, time.FixedZone("", 7200)), time.Date(2026, 1, 2, 1, 4, 5, 0, time.UTC)},
		{time.Time{}.In(time.FixedZone("", 7200)), time.Time{}},
		{time.Unix(-5, 999).UTC(), time.Unix(-5, 0).UTC()},
	} {
		in := Table{"k": c.in, "other": "o"}
		wantErr(t, fmt.Sprint(c.in), checkTable("header", in))
		n, changed := in.normalize()
		if !changed || !reflect.DeepEqual(n, Table{"k": c.want, "other": "o"}) {
			t.Errorf("%#v becomes %#v; want %#v", c.in, n["k"], c.want)
		}
		if again, changed := n.normalize(); changed || !reflect.DeepEqual(again, n) {
			t.Errorf("normalize changes %#v again", n)
		}
	}
}

// What most messages have needs no further look; what may need one is not plain.
func TestPlainTables(t *testing.T) {
	for _, plain := range []Table{nil, {}, {"text": "x", "number": int64(1), "bytes": []byte{1}, "nothing": nil, "truth": true, "BCCs": "x"}} {
		if !isPlain(plain) {
			t.Errorf("%v is not plain", plain)
		}
	}
	for _, v := range []any{1, uint(1), uint64(1), 1.5, math.NaN(), time.Now(), []any{}, Table{}, map[string]any{}, struct{}{}, Decimal{}} {
		if isPlain(Table{"k": v}) {
			t.Errorf("%#v is plain", v)
		}
	}
	for _, name := range []string{"CC", "BCC", strings.Repeat("x", 256), "\xff"} {
		if isPlain(Table{name: "x"}) {
			t.Errorf("the name %q is plain", name)
		}
	}
}

func TestTableRefuses(t *testing.T) {
	deepest := func(levels int, v any) any {
		for i := range levels - 1 {
			if i%2 == 0 {
				v = []any{v}
			} else {
				v = map[string]any{"k": v}
			}
		}
		return v
	}
	deep := func(levels int) any { return deepest(levels, []any{"bottom"}) }
	self := Table{}
	self["self"] = self
	type named string
	for _, c := range []struct {
		name string
		in   any
		want string
	}{
		{"struct", struct{ A int }{1}, `header "k" is a struct { A int }, which no header can hold; use nil, bool`},
		{"pointer", new(int), `is a *int`},
		{"complex", complex(1, 2), `is a complex128`},
		{"channel", make(chan int), `is a chan int`},
		{"function", func() {}, `is a func()`},
		{"list of strings", []string{"a"}, `is a []string`},
		{"map of strings", map[string]string{"a": "b"}, `is a map[string]string`},
		{"named string", named("x"), `is a pubsub.named`},
		{"duration", time.Second, `is a time.Duration`},
		{"uintptr", uintptr(1), `is a uintptr`},
		{"error", errScripted, `is a *errors.errorString`},
		{"json number", json.Number("1"), `is a json.Number`},
		{"uint64 too large", uint64(math.MaxInt64) + 1, `header "k" is 9223372036854775808, which is more than a 64-bit signed integer holds`},
		{"not a number", math.NaN(), `header "k" is NaN; a float must be finite`},
		{"infinite", math.Inf(-1), `header "k" is -Inf; a float must be finite`},
		{"infinite in 32 bits", float32(math.Inf(1)), `header "k" is +Inf; a float must be finite`},
		{"too many in a list", make([]any, 8193), `holds 8193 entries in one table or list; at most 8192 are possible`},
		{"uint too large", uint(math.MaxUint64), `is 18446744073709551615, which is more`},
		{"in a list", []any{1, []string{}}, `header "k" is a []string`},
		{"in a table", Table{"in": []string{}}, `header "in" is a []string`},
		{"in a map", map[string]any{"in": []string{}}, `header "in" is a []string`},
		{"long name within", Table{strings.Repeat("n", 256): 1}, `is 256 bytes long; at most 255 are possible`},
		{"name within is not UTF-8", []any{Table{"\xff": 1}}, `header name "\xff" is not valid UTF-8`},
		{"too deep", deep(33), `is nested more than 32 deep`},
		{"empty and too deep", deepest(33, Table{}), `is nested more than 32 deep`},
		{"itself", self, `is nested more than 32 deep`},
	} {
		err := checkTable("header", Table{"k": c.in})
		wantErr(t, c.name, err, ErrInvalid)
		if err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: the error is %q; want %q", c.name, err, c.want)
		}
	}
	many := Table{}
	for i := range 8193 {
		many[fmt.Sprint(i)] = nil
	}
	err := checkTable("header", many)
	wantErr(t, "too many", err, ErrInvalid)
	if want := "invalid argument: 8193 headers; at most 8192 are possible"; err == nil || err.Error() != want {
		t.Errorf("the error is %q; want %q", err, want)
	}
	delete(many, "0")
	wantErr(t, "just enough", checkTable("header", many))
	wantErr(t, "32 deep", checkTable("header", Table{"k": deep(32)}))
}

// TestNormalizeNeverWrites to its argument, at any depth.
func TestNormalizeNeverWrites(t *testing.T) {
	in := func() Table {
		return Table{
			"int":   1,
			"time":  time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC),
			"map":   map[string]any{"a": 1, "b": []any{2, "x"}},
			"list":  []any{1, []any{2}, Table{"c": 3}, map[string]any{"d": uint(4)}},
			"table": Table{"e": Table{"f": 5}, "g": "same"},
			"same":  []any{"same", Table{"h": int64(6)}},
		}
	}
	a := in()
	n, changed := a.normalize()
	if !changed {
		t.Error("nothing was changed")
	}
	if !reflect.DeepEqual(a, in()) {
		t.Errorf("normalize wrote to its argument: %v; want %v", a, in())
	}
	if n["list"].([]any)[2].(Table)["c"] != int64(3) || n["table"].(Table)["e"].(Table)["f"] != int64(5) {
		t.Errorf("normalize returned %v", n)
	}
	// What needs no change is shared, not copied.
	if &n["same"].([]any)[0] != &a["same"].([]any)[0] {
		t.Error("normalize copied what needs no change")
	}
}

func TestTableClone(t *testing.T) {
	if Table(nil).Clone() != nil {
		t.Error("the clone of nil is not nil")
	}
	a := everyType()
	a["map"] = map[string]any{"m": []byte("n")}
	c := a.Clone()
	if !reflect.DeepEqual(a, c) || !a.Equal(c) {
		t.Fatalf("the clone is %v; want %v", c, a)
	}
	c["bytes"].([]byte)[0] = 'X'
	c["list"].([]any)[0] = "X"
	c["list"].([]any)[2].(Table)["x"].([]byte)[0] = 'X'
	c["table"].(Table)["in"].(Table)["deep"].([]byte)[0] = 'X'
	c["map"].(map[string]any)["m"].([]byte)[0] = 'X'
	c["new"] = 1
	want := everyType()
	want["map"] = map[string]any{"m": []byte("n")}
	if !reflect.DeepEqual(a, want) {
		t.Errorf("writing to the clone changed the original to %v", a)
	}
	e := Table{"list": []any(nil), "bytes": []byte(nil), "table": Table(nil), "empty": []any{}}
	if c := e.Clone(); !reflect.DeepEqual(c, e) {
		t.Errorf("the clone is %#v; want %#v", c, e)
	}
}

func TestTableEqual(t *testing.T) {
	if !Table(nil).Equal(Table{}) || !(Table{}).Equal(nil) || !everyType().Equal(everyType()) {
		t.Error("equal tables are not equal")
	}
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, c := range []struct {
		a, b any
		want bool
	}{
		{nil, nil, true},
		{"a", "a", true},
		{"a", "b", false},
		{"a", []byte("a"), false},
		{[]byte("a"), []byte("a"), true},
		{[]byte("a"), "a", false},
		{[]byte{}, []byte(nil), true},
		{int64(1), int32(1), false},
		{int64(1), 1.0, false},
		{1, 1, true},
		{uint64(1), uint64(1), true},
		{true, true, true},
		{nil, false, false},
		{at, at.In(time.FixedZone("", 3600)), true},
		{at, at.Add(time.Second), false},
		{at, "2026", false},
		{math.NaN(), math.NaN(), false},
		{Decimal{1, 2}, Decimal{1, 2}, true},
		{Decimal{1, 2}, Decimal{1, 3}, false},
		{Table{"a": []any{1}}, Table{"a": []any{1}}, true},
		{Table{"a": []any{1}}, Table{"a": []any{2}}, false},
		{Table{}, map[string]any{}, false},
		{map[string]any{"a": 1}, map[string]any{"a": 1}, true},
		{map[string]any{"a": 1}, map[string]any{"a": 2}, false},
		{map[string]any{}, Table{}, false},
		{[]any{1, "a"}, []any{1, "a"}, true},
		{[]any{1, "a"}, []any{"a", 1}, false},
		{[]any{}, []any(nil), true},
		{[]any{}, "", false},
		{"", []any{}, false},
		// What no Table may hold equals nothing, and does not panic.
		{[]string{}, []string{}, false},
		{func() {}, func() {}, false},
	} {
		if got := (Table{"k": c.a}).Equal(Table{"k": c.b}); got != c.want {
			t.Errorf("%#v equals %#v: %t; want %t", c.a, c.b, got, c.want)
		}
	}
	if (Table{"a": nil}).Equal(Table{"b": nil}) || (Table{"a": nil}).Equal(Table{}) {
		t.Error("tables with different names are equal")
	}
}

// FuzzTableNormalize: what is accepted normalizes to something that is
// accepted, that does not change again, and that has the same names; and its
// argument stays as it was.
func FuzzTableNormalize(f *testing.F) {
	f.Add([]byte("abcdefghijklmnopqrstuvwxyz"))
	f.Add([]byte{0, 9, 9, 9, 1, 2, 3})
	f.Add(bytes.Repeat([]byte{15}, 200))
	f.Add(bytes.Repeat([]byte{16, 17, 18}, 70))
	f.Fuzz(func(t *testing.T, data []byte) {
		table := (&builder{data}).table(0)
		same := (&builder{data}).table(0)
		plain := isPlain(table)
		if err := checkTable("header", table); err != nil {
			if plain {
				t.Fatalf("a plain table is refused: %v", err)
			}
			return
		}
		n, changed := table.normalize()
		if plain && (changed || table["CC"] != nil || table["BCC"] != nil) {
			t.Fatalf("a plain table is normalized to %v", n)
		}
		if !reflect.DeepEqual(table, same) {
			t.Fatalf("normalize wrote to its argument: %v; want %v", table, same)
		}
		if len(n) != len(table) {
			t.Fatalf("normalize returned %d entries for %d", len(n), len(table))
		}
		if err := checkTable("header", n); err != nil {
			t.Fatalf("what normalize returned is refused: %v", err)
		}
		again, changedAgain := n.normalize()
		if changedAgain || !reflect.DeepEqual(again, n) {
			t.Fatalf("normalize changes what it returned: %#v to %#v", n, again)
		}
		if !changed && !reflect.DeepEqual(n, table) {
			t.Fatalf("normalize says that it changed nothing: %#v to %#v", table, n)
		}
		c := n.Clone()
		if !c.Equal(n) || !reflect.DeepEqual(c, n) {
			t.Fatalf("the clone of %#v is %#v", n, c)
		}
	})
}

// builder makes a table of bytes. No NaN: it equals nothing.
type builder struct{ data []byte }

func (b *builder) next() byte {
	if len(b.data) == 0 {
		return 0
	}
	c := b.data[0]
	b.data = b.data[1:]
	return c
}

func (b *builder) table(depth int) Table {
	t := Table{}
	for range b.next() % 8 {
		t[string(rune('a'+b.next()%8))] = b.value(depth + 1)
	}
	return t
}

func (b *builder) value(depth int) any {
	kind, n := b.next()%20, b.next()
	if depth > 80 && kind >= 15 {
		kind = 0
	}
	switch kind {
	case 0:
		return nil
	case 1:
		return n%2 == 0
	case 2:
		return strings.Repeat("s", int(n))
	case 3:
		return bytes.Repeat([]byte{n}, int(n%5))
	case 4:
		return int(n)
	case 5:
		return int8(n)
	case 6:
		return int16(n)
	case 7:
		return int64(n)
	case 8:
		return uint(n)
	case 9:
		return uint64(n) << 56
	case 10:
		return float32(n)
	case 11:
		return float64(n)
	case 12:
		return Decimal{n, int32(n)}
	case 13:
		return time.Unix(int64(n)-100, int64(n))
	case 14:
		return time.Time{}.Add(time.Duration(n % 2)).In(time.FixedZone("", int(n)))
	case 15, 16:
		list := []any{}
		for range n % 4 {
			list = append(list, b.value(depth+1))
		}
		return list
	case 17:
		return b.table(depth)
	case 18:
		return map[string]any(b.table(depth))
	}
	return []string{"refused"}
}
