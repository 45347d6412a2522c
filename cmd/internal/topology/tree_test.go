package topology

import (
	"testing"

	"github.com/gobindery/bindery/pubsub"
	"github.com/gobindery/bindery/pubsub/topology"
)

// TestTree has each kind of branch.
func TestTree(t *testing.T) {
	exchange := func(name string, kind pubsub.Kind, alternate string) pubsub.Exchange {
		return pubsub.Exchange{Name: name, Kind: kind, Alternate: alternate}
	}
	all := pubsub.Topology{
		Exchanges: []pubsub.Exchange{exchange("a", pubsub.Topic, "b"), exchange("b", pubsub.Fanout, ""), exchange("c", pubsub.Direct, "nowhere"), exchange("d", pubsub.Headers, "")},
		Queues:    []pubsub.QueueStatus{{Queue: pubsub.Queue{Name: "q"}}},
		Bindings: []pubsub.Binding{
			{Exchange: "a", Queue: "q", Key: "x.*"}, {Exchange: "b", ToExchange: "c"}, {Exchange: "b", ToExchange: "d"}, {Exchange: "d", ToExchange: "b"},
			{Exchange: "d", Queue: "q", Arguments: pubsub.Table{"n": int64(5), "s\x1b": "\x1b[31m"}},
		},
	}
	for _, c := range []struct{ exchange, key, want string }{
		{"a", "y", `exchange "a" (topic)
├─ ✗ "x.*" → queue "q": the 1st word: pattern "x", key "y"
└─ nothing matches → alternate exchange "b" (fanout)
   ├─ ✓ all → exchange "c" (direct)
   │  └─ alternate exchange "nowhere": missing, the message is dropped here
   └─ ✓ all → exchange "d" (headers)
      ├─ ✓ {} → exchange "b", where it has been
      └─ ✗ {n=5 "s\x1b"="\x1b[31m"} → queue "q": header "n" is missing: wanted 5; header "s\x1b" is missing: wanted "\x1b[31m"
no queue gets it: it is dropped, or returned if it is mandatory
`},
		{"", "q", "default exchange\n└─ ✓ \"q\" → queue \"q\"\n1 queue gets it: \"q\"\n"},
		{"", "r", "default exchange\n├─ ✗ \"r\" → queue \"r\": there is no queue \"r\"\n└─ nothing matches: dropped here\nno queue gets it: it is dropped, or returned if it is mandatory\n"},
		{"nowhere", "", ""},
	} {
		x, err := topology.Explain(all, c.exchange, c.key, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := tree(x); got != c.want {
			t.Errorf("%q with key %q:\n%s\nwant\n%s", c.exchange, c.key, got, c.want)
		}
	}
}
