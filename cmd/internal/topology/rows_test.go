package topology

import (
	"strings"
	"testing"

	"github.com/gobindery/bindery/pubsub"
)

func TestRows(t *testing.T) {
	r := &rows{columns: []string{"name", "durable", "arguments", "count"}, values: [][]any{
		{"å", true, pubsub.Table{"x-max-length": int64(5), "a": []byte("b")}, 10},
		{"", false, pubsub.Table(nil), 0},
		{"\x1b[31m<a>", false, pubsub.Table{"s": "\x1b"}, 1},
	}}
	for format, want := range map[string]string{
		"table": "name           durable  arguments             count\n" +
			"å              true     a=\"b\" x-max-length=5  10\n" +
			"               false                          0\n" +
			"\"\\x1b[31m<a>\"  false    s=\"\\u001b\"            1\n",
		"json": "[\n" +
			`{"name":"å","durable":true,"arguments":{"a":"b","x-max-length":5},"count":10},` + "\n" +
			`{"name":"","durable":false,"arguments":{},"count":0},` + "\n" +
			`{"name":"\u001b[31m<a>","durable":false,"arguments":{"s":"\u001b"},"count":1}` + "\n]\n",
		"yaml": "- name: \"å\"\n  durable: true\n  arguments: {\"a\":\"b\",\"x-max-length\":5}\n  count: 10\n" +
			"- name: \"\"\n  durable: false\n  arguments: {}\n  count: 0\n" +
			`- name: "\u001b[31m<a>"` + "\n  durable: false\n" + `  arguments: {"s":"\u001b"}` + "\n  count: 1\n",
	} {
		var got strings.Builder
		if err := r.write(&got, format); err != nil {
			t.Fatal(err)
		}
		if got.String() != want {
			t.Errorf("as %s it is\n%s\nwant\n%s", format, got.String(), want)
		}
	}
}
