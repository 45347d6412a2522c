package nats

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/gobindery/bindery/adapters/nats/natstest"
	"github.com/gobindery/bindery/pubsub"
)

// pretended is a connection whose JetStream is a function, which gets the subject of a request
// without its beginning.
func pretended(t *testing.T, answer func(request string) string) *Conn {
	t.Helper()
	nc, err := nats.Connect(natstest.RunServer(t).URL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	const api = "PRETENDED."
	js, err := jetstream.NewWithAPIPrefix(nc, api)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := nc.Subscribe(api+">", func(m *nats.Msg) {
		m.Respond([]byte(answer(strings.TrimPrefix(m.Subject, api))))
	}); err != nil {
		t.Fatal(err)
	}
	return &Conn{nc: nc, js: js, api: api, names: namesOf("v"), id: "c", replicas: 1, done: make(chan struct{})}
}

// unsupported checks that an error says what a server lacks.
func unsupported(t *testing.T, err error, text string) {
	t.Helper()
	if text == "" {
		if err != nil {
			t.Error(err)
		}
	} else if !errors.Is(err, pubsub.ErrUnsupported) || !strings.Contains(err.Error(), text) {
		t.Errorf("the error is %v; want one that wraps %q and says %q", err, pubsub.ErrUnsupported, text)
	}
}

// A server that does not keep a setting of a stream is refused, with its version.
func TestStreamSettingIgnored(t *testing.T) {
	t.Parallel()
	const all = `"name":"S","subjects":["s"],"retention":"workqueue","storage":"memory","num_replicas":3,"duplicate_window":120000000000`
	for _, c := range []struct{ setting, is, lacks string }{
		{"", "", ""},
		{`"retention":"workqueue"`, `"retention":"limits","metadata":{"_nats.ver":"2.11.4"}`, "nats-server 2.11.4 (JetStream API level 0) does not do this: the stream S with the retention WorkQueue, which it made with Limits; version 2.9 or later does"},
		{`"storage":"memory"`, `"storage":"file"`, "the storage Memory, which it made with File"},
		{`"num_replicas":3`, `"num_replicas":1`, "the replicas 3, which it made with 1"},
		{`,"duplicate_window":120000000000`, ``, "the duplicate window 2m0s, which it made with 0s"},
		{`["s"]`, `["x"]`, `the subjects ["s"], which it made with ["x"]`},
	} {
		t.Run(c.lacks, func(t *testing.T) {
			t.Parallel()
			conn := pretended(t, func(string) string {
				return `{"config":{` + strings.Replace(all, c.setting, c.is, 1) + `},"state":{},"created":"2026-01-01T00:00:00Z"}`
			})
			unsupported(t, conn.createStream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}, Storage: jetstream.MemoryStorage, Replicas: 3}), c.lacks)
		})
	}
}

// So is one that does not keep a setting of a consumer.
func TestConsumerSettingIgnored(t *testing.T) {
	t.Parallel()
	all := fmt.Sprintf(`"durable_name":"leader-c-1","deliver_policy":"all","ack_policy":"explicit","ack_wait":%d,"max_deliver":-1,"max_ack_pending":-1`, 10*365*24*time.Hour)
	for _, c := range []struct{ setting, is, lacks string }{
		{"", "", ""},
		{`"ack_policy":"explicit"`, `"ack_policy":"none"`, "the ack policy AckExplicit, which it made with AckNone"},
		{`"deliver_policy":"all"`, `"deliver_policy":"new"`, "the deliver policy all, which it made with new"},
		{`"ack_wait"`, `"ack_waits"`, "the time to ack 87600h0m0s, which it made with 0s"},
		{`"max_deliver":-1`, `"max_deliver":5`, "the most deliveries of a message -1, which it made with 5"},
		{`"max_ack_pending":-1`, `"max_ack_pending":1000`, "the most messages without an ack -1, which it made with 1000"},
		{`"leader-c-1"`, `"other"`, "the name leader-c-1, which it made with other"},
	} {
		t.Run(c.lacks, func(t *testing.T) {
			t.Parallel()
			conn := pretended(t, func(string) string {
				return `{"stream_name":"S","name":"leader-c-1","config":{` + strings.Replace(all, c.setting, c.is, 1) + `}}`
			})
			f := newFeed(conn, "S", nil, func() int { return 0 }, nil)
			unsupported(t, f.claim(t.Context()), c.lacks)
		})
	}
}

// A server that finds any message where the next one of a subject is asked for is refused.
func TestNextOfSubjectIgnored(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ answer, lacks string }{
		{`{"error":{"code":404,"err_code":10037,"description":"no message found"}}`, ""},
		{`{"message":{"subject":"$KV.b.format","seq":1,"data":"MQ==","time":"2026-01-01T00:00:00Z"}}`, "to find the next message of a subject"},
	} {
		conn := pretended(t, func(string) string { return c.answer })
		unsupported(t, conn.checkNext(context.Background(), 1), c.lacks)
	}
}
