package interop

import (
	"testing"

	"github.com/gobindery/bindery/adapters/amqpserver/internal/wire"
)

// What consumers are answered. See https://www.rabbitmq.com/docs/consumers.
func TestConsumeAnswers(t *testing.T) {
	q := do(queue("q"))
	inUse := says("channel 403 ACCESS_REFUSED - queue 'q' in vhost 'V' in exclusive use (60.20)")
	exclusively := &wire.BasicConsume{Queue: "q", ConsumerTag: "x", Exclusive: true}
	priority := func(p any) *wire.BasicConsume {
		return &wire.BasicConsume{Queue: "q", ConsumerTag: "c", Arguments: table("x-priority", p)}
	}
	answers(t, []answer{
		{"consume-ok comes first", filled("1", "2"), do(consume("q", "c")), says("basic.consume-ok c", `basic.deliver c 1 "" "q" "1"`, `basic.deliver c 2 "" "q" "2"`)},
		{"the server chooses the tag", q, do(consume("q", "")), says("basic.consume-ok amq.ctag-*")},
		{"a queue that is missing", nil, do(consume("nope", "c")), says(noQueue + "(60.20)")},
		{"a tag twice", do(queue("q"), consume("q", "c")), do(consume("q", "c")), says("connection 530 NOT_ALLOWED - attempt to reuse consumer tag 'c' (60.20)")},
		{"a tag twice, the queue is missing", do(queue("q"), consume("q", "c")), do(consume("nope", "c")), says("connection 530 NOT_ALLOWED - attempt to reuse consumer tag 'c' (60.20)")},
		{"a tag on two channels", do(queue("q"), consume("q", "c"), on{2, &wire.ChannelOpen{}}), do(on{2, consume("q", "c")}), says("2: basic.consume-ok c")},
		{"a tag again after cancel", do(queue("q"), consume("q", "c"), &wire.BasicCancel{ConsumerTag: "c"}), do(consume("q", "c")), says("basic.consume-ok c")},
		{"cancel an unknown tag", nil, do(&wire.BasicCancel{ConsumerTag: "zz"}), says("basic.cancel-ok zz")},
		{"exclusive, another consumes", do(queue("q"), consume("q", "c")), do(exclusively), inUse},
		{"another consumes exclusively", do(queue("q"), exclusively), do(consume("q", "c")), inUse},
		{"another consumes exclusively, on another connection", do(queue("q"), exclusively), do(elsewhere{consume("q", "c")}), inUse},
		{"exclusive, of a single active consumer", do(queue("q", "x-single-active-consumer", true)), do(exclusively), inUse},
		{"no-local means nothing", filled("1"), do(&wire.BasicConsume{Queue: "q", ConsumerTag: "c", NoLocal: true}), says("basic.consume-ok c", `basic.deliver c 1 "" "q" "1"`)},
		{"priority", do(queue("q"), consume("q", "low"), &wire.BasicConsume{Queue: "q", ConsumerTag: "high", Arguments: table("x-priority", int32(5))}), do(publish("", "q", "1")), says(`basic.deliver high 1 "" "q" "1"`)},
		{"priority that is a string", q, do(priority("a")), says(invalid + "'x-priority'" + ofQ + "\"expected integer, got longstr\" (60.20)")},
		{"priority that is nothing", q, do(priority(nil)), says(invalid + "'x-priority'" + ofQ + "\"expected integer, got void\" (60.20)")},
		{"an argument of streams", q, do(&wire.BasicConsume{Queue: "q", ConsumerTag: "c", Arguments: table("x-stream-offset", "first")}), says("channel 406 PRECONDITION_FAILED - invalid arg 'x-stream-offset' for queue 'q' in vhost 'V' of queue type rabbit_classic_queue (60.20)")},
		{"an argument that wants a bool", q, do(&wire.BasicConsume{Queue: "q", ConsumerTag: "c", Arguments: table("x-cancel-on-ha-failover", "yes")}), says(invalid + "'x-cancel-on-ha-failover'" + ofQ + "{unacceptable_type,longstr} (60.20)")},
		{"an unknown argument", q, do(&wire.BasicConsume{Queue: "q", ConsumerTag: "c", Arguments: table("x-foo", "a")}), says("basic.consume-ok c")},
		{"the queue is deleted", do(queue("q"), consume("q", "c")), do(elsewhere{&wire.QueueDelete{Queue: "q"}}, awaited(1)), says("queue.delete-ok 0", "basic.cancel c")},
		{"settle after the queue was deleted", then(filled("1"), consume("q", "c"), awaited(1), elsewhere{&wire.QueueDelete{Queue: "q"}}, awaited(1)), do(&wire.BasicAck{DeliveryTag: 1}, inspect("q")), says(queueGone)},

		// qos
		{"prefetch is for each consumer", then(filled("1", "2", "3"), &wire.BasicQos{PrefetchCount: 1}), do(consume("q", "c"), awaited(1), consume("q", "d"), awaited(1)),
			says("basic.consume-ok c", `basic.deliver c 1 "" "q" "1"`, "basic.consume-ok d", `basic.deliver d 2 "" "q" "2"`)},
		{"prefetch of a channel", then(filled("1", "2", "3"), &wire.BasicQos{PrefetchCount: 1, Global: true}), do(consume("q", "c"), awaited(1), consume("q", "d"), &wire.BasicAck{DeliveryTag: 1}, awaited(1)),
			says("basic.consume-ok c", `basic.deliver c 1 "" "q" "1"`, "basic.consume-ok d", `basic.deliver c 2 "" "q" "2"`)},
		{"prefetch of both", then(filled("1", "2", "3", "4"), &wire.BasicQos{PrefetchCount: 2}, &wire.BasicQos{PrefetchCount: 3, Global: true}), do(consume("q", "c"), awaited(2), consume("q", "d"), awaited(1)),
			says("basic.consume-ok c", `basic.deliver c 1 "" "q" "1"`, `basic.deliver c 2 "" "q" "2"`, "basic.consume-ok d", `basic.deliver d 3 "" "q" "3"`)},
		{"prefetch after consume", do(queue("q"), consume("q", "c"), publish("", "q", "1"), publish("", "q", "2"), awaited(2), &wire.BasicQos{PrefetchCount: 1}), do(publish("", "q", "3")), says(`basic.deliver c 3 "" "q" "3"`)},
		{"prefetch and no-ack", then(filled("1", "2"), &wire.BasicQos{PrefetchCount: 1}), do(&wire.BasicConsume{Queue: "q", ConsumerTag: "c", NoAck: true}), says("basic.consume-ok c", `basic.deliver c 1 "" "q" "1"`, `basic.deliver c 2 "" "q" "2"`)},
		{"prefetch and get", then(filled("1", "2"), &wire.BasicQos{PrefetchCount: 1}), do(get("q"), get("q")), says(`basic.get-ok 1 "" "q" "1" 1 more`, `basic.get-ok 2 "" "q" "2" 0 more`)},
		{"prefetch of bytes", nil, do(&wire.BasicQos{PrefetchSize: 10}), says("connection 540 NOT_IMPLEMENTED - prefetch_size!=0 (10) (60.10)")},
		{"prefetch of 65535", nil, do(&wire.BasicQos{PrefetchCount: 65535}), says("basic.qos-ok")},
		{"flow off", nil, do(&wire.ChannelFlow{}), says("connection 540 NOT_IMPLEMENTED - active=false (20.20)")},
		{"flow on", nil, do(&wire.ChannelFlow{Active: true}), nil},

		// round robin
		{"two consumers in turn", do(queue("q"), consume("q", "c"), consume("q", "d")), do(publish("", "q", "1"), awaited(1), publish("", "q", "2"), awaited(1), publish("", "q", "3")),
			says(`basic.deliver c 1 "" "q" "1"`, `basic.deliver d 2 "" "q" "2"`, `basic.deliver c 3 "" "q" "3"`)},
		{"a backlog goes to the first", filled("1", "2"), do(consume("q", "c"), awaited(2), consume("q", "d")), says("basic.consume-ok c", `basic.deliver c 1 "" "q" "1"`, `basic.deliver c 2 "" "q" "2"`, "basic.consume-ok d")},
	})
}

// What get and the settling of deliveries are answered.
func TestSettleAnswers(t *testing.T) {
	ack := func(tag uint64, multiple bool) *wire.BasicAck {
		return &wire.BasicAck{DeliveryTag: tag, Multiple: multiple}
	}
	nack := func(tag uint64, multiple bool) *wire.BasicNack {
		return &wire.BasicNack{DeliveryTag: tag, Multiple: multiple, Requeue: true}
	}
	unknown := func(tag, method string) []string {
		return says("channel 406 PRECONDITION_FAILED - unknown delivery tag " + tag + " (60." + method + ")")
	}
	// Three are taken from the queue, and not settled.
	taken := then(filled("1", "2", "3"), get("q"), get("q"), get("q"))
	// To a consumer. RabbitMQ tells a queue that a channel ends before it tells the
	// client, but only where the channel has a consumer. What it has by get
	// alone goes back at any time after that.
	consumed := then(filled("1", "2", "3"), consume("q", "c"), awaited(3))
	answers(t, []answer{
		{"get from one that is missing", nil, do(get("nope")), says(noQueue + "(60.70)")},
		{"get nothing", do(queue("q")), do(get("q")), says("basic.get-empty")},
		{"get counts the rest", filled("1", "2"), do(get("q")), says(`basic.get-ok 1 "" "q" "1" 1 more`)},

		{"ack multiple", taken, do(ack(2, true), nack(0, true), get("q")), says(`basic.get-ok 4 again "" "q" "3" 0 more`)},
		{"ack all", taken, do(ack(0, true), nack(0, true), get("q")), says("basic.get-empty")},
		{"ack all of nothing", do(queue("q")), do(ack(0, true), get("q")), says("basic.get-empty")},
		{"ack 2, then up to 3", taken, do(ack(2, false), ack(3, true), nack(0, true), get("q")), says("basic.get-empty")},
		{"ack 0", taken, do(ack(0, false), inspect("q")), unknown("0", "80")},
		{"ack an unknown tag", taken, do(ack(99, false), inspect("q")), unknown("99", "80")},
		{"nack an unknown tag", taken, do(nack(99, false), inspect("q")), unknown("99", "120")},
		{"reject an unknown tag", taken, do(&wire.BasicReject{DeliveryTag: 99}, inspect("q")), unknown("99", "90")},
		{"ack twice", taken, do(ack(1, false), ack(1, false), inspect("q")), unknown("1", "80")},
		{"ack multiple what is acked, none left before", taken, do(ack(1, false), ack(1, true), inspect("q")), unknown("1", "80")},
		{"ack multiple what is acked, some left before", taken, do(ack(2, false), ack(2, true), inspect("q")), unknown("2", "80")},
		{"ack multiple beyond the last", taken, do(ack(50, true), inspect("q")), unknown("50", "80")},
		{"ack multiple beyond the last, nothing left", taken, do(ack(0, true), ack(50, true), inspect("q")), unknown("50", "80")},
		{"ack on another channel", then(taken, on{2, &wire.ChannelOpen{}}), do(on{2, ack(1, false)}, on{2, inspect("q")}), says("2: " + unknown("1", "80")[0])},
		{"ack what needs none", then(filled("1"), &wire.BasicGet{Queue: "q", NoAck: true}), do(ack(1, false), inspect("q")), unknown("1", "80")},
		{"ack what a consumer without acks got", then(filled("1"), &wire.BasicConsume{Queue: "q", NoAck: true}, awaited(1)), do(ack(1, false), inspect("q")), unknown("1", "80")},
		{"ack after cancel", then(consumed, &wire.BasicCancel{ConsumerTag: "c"}), do(ack(1, false), nack(0, true), get("q")), says(`basic.get-ok 4 again "" "q" "2" 1 more`)},

		{"requeue in the middle", taken, do(nack(2, false), get("q")), says(`basic.get-ok 4 again "" "q" "2" 0 more`)},
		{"requeue in any order", taken, do(nack(3, false), nack(1, false), nack(2, false), get("q"), get("q"), get("q")),
			says(`basic.get-ok 4 again "" "q" "1" 2 more`, `basic.get-ok 5 again "" "q" "2" 1 more`, `basic.get-ok 6 again "" "q" "3" 0 more`)},
		{"requeue before what is ready", then(taken, put("q", "4")...), do(nack(0, true), get("q"), get("q"), get("q"), get("q")),
			says(`basic.get-ok 4 again "" "q" "1" 3 more`, `basic.get-ok 5 again "" "q" "2" 2 more`, `basic.get-ok 6 again "" "q" "3" 1 more`, `basic.get-ok 7 "" "q" "4" 0 more`)},
		{"requeue to the consumer", consumed, do(nack(2, false)), says(`basic.deliver c 4 again "" "q" "2"`)},
		{"requeue all to the consumer", consumed, do(nack(0, true)), says(`basic.deliver c 4 again "" "q" "1"`, `basic.deliver c 5 again "" "q" "2"`, `basic.deliver c 6 again "" "q" "3"`)},
		{"recover", consumed, do(&wire.BasicRecover{Requeue: true}, awaited(3)), says("basic.recover-ok", `basic.deliver c 4 again "" "q" "1"`, `basic.deliver c 5 again "" "q" "2"`, `basic.deliver c 6 again "" "q" "3"`)},
		{"recover without requeue", consumed, do(&wire.BasicRecover{}), says("connection 540 NOT_IMPLEMENTED - requeue=false (60.110)")},
		{"recover-async", taken, do(&wire.BasicRecoverAsync{Requeue: true}, get("q")), says(`basic.get-ok 4 again "" "q" "1" 2 more`)},
		{"the channel's close requeues", then(consumed, &wire.ChannelClose{ReplyCode: 200}, &wire.ChannelOpen{}), do(get("q"), get("q"), get("q")),
			says(`basic.get-ok 1 again "" "q" "1" 2 more`, `basic.get-ok 2 again "" "q" "2" 1 more`, `basic.get-ok 3 again "" "q" "3" 0 more`)},
		{"an error requeues, and the channel's number is free", consumed, do(inspect("nope"), &wire.ChannelOpen{}, get("q")), says(noQueue+"(50.10)", "channel.open-ok", `basic.get-ok 1 again "" "q" "1" 2 more`)},
		{"x-death that is no list", do(confirm, queue("d"), queue("q", "x-dead-letter-exchange", "", "x-dead-letter-routing-key", "d"),
			message{BasicPublish: wire.BasicPublish{RoutingKey: "q"}, Properties: wire.Properties{Given: wire.GivenHeaders, Headers: table("x-death", "a")}}, awaited(1), get("q"), consume("d", "c")),
			do(&wire.BasicReject{DeliveryTag: 1}), says(`basic.deliver c 2 "" "d" "" [x-death]`)},
		{"reject dead-letters", do(confirm, queue("d"), queue("q", "x-dead-letter-exchange", "", "x-dead-letter-routing-key", "d"), publish("", "q", "2"), awaited(1), get("q"), consume("d", "c")),
			do(&wire.BasicReject{DeliveryTag: 1}), says(`basic.deliver c 2 "" "d" "2" [x-death x-first-death-exchange x-first-death-queue x-first-death-reason]`)},
	})
}
