package rabbitmqtest

import (
	"context"
	"fmt"
)

// Stall makes the node's queues and channels stop at random from now on, each for up
// to 40 ms, until the node is stopped or restarted. What RabbitMQ does in no certain
// order then comes in orders that are else seen once in a thousand times: so what a
// channel has by basic.get alone goes back some time after the channel's end, a
// message that was ready overtakes those of a lost connection, and what one channel has
// published without a confirm is not there yet for the next. A test that passes on
// such a node relies on nothing of the kind.
//
// [Shared] does it to its private node if $BINDERY_STALLS is set.
func (n *Node) Stall(ctx context.Context) error {
	if _, err := n.Ctl(ctx, "eval", stalls); err != nil {
		return fmt.Errorf("make the RabbitMQ node stall: %w", err)
	}
	return nil
}

// stalls is an Erlang expression. Each process that is picked is suspended by one of its
// own, with whose end it would go on: see erlang:suspend_process/1.
const stalls = `
spawn(fun() ->
  Stop = fun(P) ->
    spawn(fun() ->
      catch erlang:suspend_process(P),
      timer:sleep(rand:uniform(40)),
      catch erlang:resume_process(P)
    end)
  end,
  Queues = fun() ->
    [P || Q <- rabbit_amqqueue:list(), P <- [amqqueue:get_pid(Q)], is_pid(P)]
  end,
  Again = fun Again() ->
    Found = pg_local:get_members(rabbit_channels) ++ case catch Queues() of L when is_list(L) -> L; _ -> [] end,
    [Stop(P) || P <- Found, rand:uniform(6) =:= 1],
    timer:sleep(5),
    Again()
  end,
  Again()
end).`
