package topology

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml"

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
		out.WriteString("\n{")
		for j, v := range row {
			b, err := marshal(told(v))
			if err != nil {
				return err
			}
			if j > 0 {
				out.WriteByte(',')
			}
			fmt.Fprintf(out, "%q:%s", r.columns[j], b)
		}
		out.WriteByte('}')
	}
	out.WriteString("\n]\n")
	return nil
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

// yaml writes a list of maps, row by row.
func (r *rows) yaml(out *bufio.Writer) error {
	if len(r.values) == 0 {
		out.WriteString("[]\n")
	}
	for _, row := range r.values {
		item := make(yaml.MapSlice, len(row))
		for i, v := range row {
			item[i] = yaml.MapItem{Key: r.columns[i], Value: told(v)}
		}
		b, err := yaml.Marshal([]yaml.MapSlice{item})
		if err != nil {
			return err
		}
		out.Write(b)
	}
	return nil
}
