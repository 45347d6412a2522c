package topology

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gobindery/bindery/pubsub"
	"github.com/gobindery/bindery/pubsub/classic"
)

// rows is a list to print: values are strings, bools, ints and tables.
type rows struct {
	columns []string
	values  [][]any
}

func (r *rows) write(w io.Writer, format string) error {
	out := bufio.NewWriter(w)
	var err error
	switch format {
	case "json":
		err = r.json(out)
	case "yaml":
		err = r.yaml(out)
	default:
		r.table(out)
	}
	if err != nil {
		return err
	}
	return out.Flush()
}

// table aligns the columns. The last one is not filled up.
func (r *rows) table(out *bufio.Writer) {
	widths := make([]int, len(r.columns))
	all := make([][]string, 0, len(r.values)+1)
	all = append(all, r.columns)
	for _, row := range r.values {
		texts := make([]string, len(row))
		for i, v := range row {
			texts[i] = cellText(v)
		}
		all = append(all, texts)
	}
	for _, row := range all {
		for i, text := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(text))
		}
	}
	for _, row := range all {
		for i, text := range row {
			out.WriteString(text)
			if i < len(row)-1 {
				out.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(text)+2))
			}
		}
		out.WriteByte('\n')
	}
}

// cellText is a value in a table. What could command a terminal is escaped.
func cellText(v any) string {
	switch v := v.(type) {
	case pubsub.Table:
		var all []string
		for _, name := range slices.Sorted(maps.Keys(v)) {
			b, err := json.Marshal(classic.Told(v[name]))
			if err != nil {
				b = fmt.Append(nil, v[name])
			}
			all = append(all, printable(name)+"="+string(b))
		}
		return strings.Join(all, " ")
	case string:
		return printable(v)
	}
	return fmt.Sprint(v)
}

func printable(s string) string {
	if strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) || r == utf8.RuneError }) < 0 {
		return s
	}
	return fmt.Sprintf("%q", s)
}

// json writes an array with a line for each object.
func (r *rows) json(out *bufio.Writer) error {
	out.WriteByte('[')
	for i, row := range r.values {
		if i > 0 {
			out.WriteByte(',')
		}
		out.WriteByte('\n')
		if err := r.object(out, row); err != nil {
			return err
		}
	}
	out.WriteString("\n]\n")
	return nil
}

// object writes a row as an object of JSON.
func (r *rows) object(out *bufio.Writer, row []any) error {
	for i, v := range row {
		b, err := marshal(told(v))
		if err != nil {
			return err
		}
		before := ','
		if i == 0 {
			before = '{'
		}
		fmt.Fprintf(out, "%c%q:%s", before, r.columns[i], b)
	}
	return out.WriteByte('}')
}

func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// told is a table as JSON has it.
func told(v any) any {
	t, ok := v.(pubsub.Table)
	if !ok {
		return v
	}
	all := make(map[string]any, len(t))
	for name, v := range t {
		all[name] = classic.Told(v)
	}
	return all
}

// yaml writes a list of maps. Values are those of JSON, which are YAML too; but
// words that can be nothing else stand without quotes.
func (r *rows) yaml(out *bufio.Writer) error {
	if len(r.values) == 0 {
		out.WriteString("[]\n")
	}
	for _, row := range r.values {
		for i, v := range row {
			before := "  "
			if i == 0 {
				before = "- "
			}
			text, isText := v.(string)
			if !isText || !plainWord(text) {
				b, err := marshal(told(v))
				if err != nil {
					return err
				}
				text = string(b)
			}
			fmt.Fprintf(out, "%s%s: %s\n", before, r.columns[i], text)
		}
	}
	return nil
}

var word = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_./-]*$`)

// plainWord reports whether a text is a string in YAML without quotes, also of
// version 1.1, where "no" is none.
func plainWord(s string) bool {
	switch strings.ToLower(s) {
	case "y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf":
		return false
	}
	return word.MatchString(s)
}
