package rabbitmqtest_test

import (
	"strings"
	"testing"

	"github.com/gobindery/bindery/adapters/rabbitmq/rabbitmqtest"
)

// Queues and channels stop, and do their work.
func TestStall(t *testing.T) {
	t.Parallel()
	n := rabbitmqtest.Run(t, nil)
	_, ch := dial(t, n.VHost(t), nil)
	declare(t, ch, "q")
	// How many of a thousand looks at processes of each kind see one suspended.
	suspended := func() string {
		t.Helper()
		out, err := n.Ctl(within(t), "eval", `
			Look = fun(Of) -> length([P || _ <- lists:seq(1, 1000), timer:sleep(1) =:= ok, P <- Of(), process_info(P, status) =:= {status, suspended}]) end,
			{Look(fun() -> pg_local:get_members(rabbit_channels) end) > 0,
			 Look(fun() -> [amqqueue:get_pid(Q) || Q <- rabbit_amqqueue:list()] end) > 0}.`)
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(out)
	}
	if got := suspended(); got != "{false,false}" {
		t.Fatalf("before: channels and queues are seen suspended: %s", got)
	}
	if err := n.Stall(within(t)); err != nil {
		t.Fatal(err)
	}
	if got := suspended(); got != "{true,true}" {
		t.Errorf("channels and queues are seen suspended: %s", got)
	}
	for range 20 {
		publish(t, ch, "q", "hello")
	}
	if got := consumeOne(t, ch, "q"); got != "hello" {
		t.Errorf("got %q, want hello", got)
	}
}
