package topology_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"strings"

	"github.com/gobindery/bindery/adapters/memory"
	"github.com/gobindery/bindery/pubsub"
	"github.com/gobindery/bindery/pubsub/topology"
)

var logs = pubsub.Topology{
	Exchanges: []pubsub.Exchange{
		{Name: "logs", Kind: pubsub.Topic, Durable: true, Alternate: "unmatched"},
		{Name: "unmatched", Kind: pubsub.Fanout, Durable: true},
	},
	Queues: []pubsub.QueueStatus{
		{Queue: pubsub.Queue{Name: "critical", Durable: true, MaxLength: new(1000)}},
		{Queue: pubsub.Queue{Name: "kernel", Durable: true}},
	},
	Bindings: []pubsub.Binding{
		{Exchange: "logs", Queue: "critical", Key: "*.critical"},
		{Exchange: "logs", Queue: "kernel", Key: "kern.*"},
	},
}

// Explain needs no broker: a topology from a file will do.
func ExampleExplain() {
	e, err := topology.Explain(logs, "logs", "kern.info", nil, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(e)
	e, err = topology.Explain(logs, "logs", "auth", nil, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(e)
	// Output:
	// exchange "logs" with key "kern.info"
	//   exchange "logs", topic: 1 of 2 bindings match
	//     - queue "critical" by "*.critical": the 2nd word: pattern "critical", key "info"
	//     + queue "kernel" by "kern.*"
	// queue "kernel" gets it
	// exchange "logs" with key "auth"
	//   exchange "logs", topic: 0 of 2 bindings match
	//     - queue "critical" by "*.critical": too few words: pattern 2, key 1
	//     - queue "kernel" by "kern.*": the 1st word: pattern "kern", key "auth"
	//     alternate exchange "unmatched"
	//       exchange "unmatched", fanout: 0 of 0 bindings match
	//         dropped here
	// no queue: it is dropped, or returned if mandatory
}

// Apply declares what is missing, and then has nothing to do.
func ExampleApply() {
	ctx := context.Background()
	b := pubsub.New(memory.NewServer().Connect(nil), nil)
	defer b.Close()

	for range 2 {
		done, err := topology.Apply(ctx, b, logs, nil)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(len(done), "changes")
		for _, c := range done {
			fmt.Println(c)
		}
	}
	// Output:
	// 6 changes
	// create exchange "unmatched"
	// create exchange "logs"
	// create queue "critical"
	// create queue "kernel"
	// create binding of exchange "logs" to queue "critical" with key "*.critical"
	// create binding of exchange "logs" to queue "kernel" with key "kern.*"
	// 0 changes
}

// What differs and can't be changed is named; the rest is what Apply would do.
func ExampleDiff() {
	have := pubsub.Topology{
		Exchanges: logs.Exchanges,
		Queues: []pubsub.QueueStatus{
			{Queue: pubsub.Queue{Name: "critical", Durable: true}},
			{Queue: pubsub.Queue{Name: "old"}, Ready: 3},
		},
	}
	for _, c := range topology.Diff(logs, have, nil) {
		fmt.Println(c)
	}
	// Output:
	// queue "critical" differs: x-max-length: wanted 1000, has none
	// create queue "kernel"
	// delete queue "old" with 3 messages
	// create binding of exchange "logs" to queue "critical" with key "*.critical"
	// create binding of exchange "logs" to queue "kernel" with key "kern.*"
}

// Check is for a program that needs a topology and must not make it.
func ExampleCheck() {
	b := pubsub.New(memory.NewServer().Connect(nil), nil)
	defer b.Close()

	want := pubsub.Topology{Exchanges: logs.Exchanges}
	fmt.Println(topology.Check(context.Background(), b, want))
	// Output:
	// the topology is not as wanted in 2 places:
	// exchange "logs" is missing
	// exchange "unmatched" is missing
}

// A topology goes into a file that a RabbitMQ can import.
func ExampleWriteDefinitions() {
	if _, err := topology.WriteDefinitions(os.Stdout, "/", logs); err != nil {
		log.Fatal(err)
	}
	// Output:
	// {
	//   "rabbit_version": "3.10.8",
	//   "rabbitmq_version": "3.10.8",
	//   "vhosts": [
	//     {"name":"/"}
	//   ],
	//   "exchanges": [
	//     {"name":"logs","vhost":"/","type":"topic","durable":true,"auto_delete":false,"internal":false,"arguments":{"alternate-exchange":"unmatched"}},
	//     {"name":"unmatched","vhost":"/","type":"fanout","durable":true,"auto_delete":false,"internal":false,"arguments":{}}
	//   ],
	//   "queues": [
	//     {"name":"critical","vhost":"/","type":"classic","durable":true,"auto_delete":false,"arguments":{"x-max-length":1000}},
	//     {"name":"kernel","vhost":"/","type":"classic","durable":true,"auto_delete":false,"arguments":{}}
	//   ],
	//   "bindings": [
	//     {"source":"logs","vhost":"/","destination":"critical","destination_type":"queue","routing_key":"*.critical","arguments":{}},
	//     {"source":"logs","vhost":"/","destination":"kernel","destination_type":"queue","routing_key":"kern.*","arguments":{}}
	//   ]
	// }
}

// What RabbitMQ exports and a topology has no place for is named.
func ExampleReadDefinitions() {
	file := `{
		"rabbit_version": "3.10.8",
		"users": [{"name": "guest", "tags": ["administrator"]}],
		"vhosts": [{"name": "/"}],
		"policies": [{"vhost": "/", "name": "short", "pattern": "^k", "apply-to": "queues", "definition": {"message-ttl": 1000}}],
		"queues": [{"vhost": "/", "name": "kernel", "durable": true, "auto_delete": false, "arguments": {"x-max-length": 5}}]
	}`
	t, warnings, err := topology.ReadDefinitions(strings.NewReader(file), "/")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(t.Queues[0].Name, *t.Queues[0].MaxLength)
	for _, w := range warnings {
		fmt.Println(w)
	}
	// Output:
	// kernel 5
	// users "guest": left out: who may log in is not part of a topology
	// policies "short": left out: 0 exchanges and 1 queues that match ^k go without "message-ttl"
}
