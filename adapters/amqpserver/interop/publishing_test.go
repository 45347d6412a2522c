package interop

import (
	"testing"

	"github.com/gobindery/bindery/adapters/amqpserver/internal/wire"
	"github.com/gobindery/bindery/pubsub"
)

// What a publish is answered. See https://www.rabbitmq.com/docs/publishers.
func TestPublishAnswers(t *testing.T) {
	with := func(given uint16, p wire.Properties) message {
		m := publish("", "q", "1")
		m.Properties = p
		m.Given = given
		return m
	}
	expiring := func(in string) message { return with(wire.GivenExpiration, wire.Properties{Expiration: in}) }
	headers := func(h pubsub.Table) message { return with(wire.GivenHeaders, wire.Properties{Headers: h}) }
	immediate := publish("", "q", "1")
	immediate.Immediate = true
	badCC := func(what string) []string {
		return says("channel 406 PRECONDITION_FAILED - invalid message: {unacceptable_type_in_header," + what + "} (60.40)")
	}
	badExpiration := func(what string) []string {
		return says("channel 406 PRECONDITION_FAILED - invalid expiration " + what + " (60.40)")
	}
	given := do(queue("q"), confirm)
	full := func(overflow string) []any {
		return do(queue("q", "x-max-length", int32(1), "x-overflow", overflow), confirm, publish("", "q", "0"), awaited(1))
	}
	answers(t, []answer{
		{"an ack", given, do(publish("", "q", "1")), says("basic.ack 1")},
		{"an ack for what nobody wants", do(confirm), do(publish("", "nobody", "1")), says("basic.ack 1")},
		{"a return and an ack", do(confirm), do(mandatory("", "nobody", "1")), says(`basic.return 312 NO_ROUTE "" "nobody" "1"`, "basic.ack 1")},
		{"a return names the exchange", do(confirm), do(mandatory("amq.direct", "k", "1")), says(`basic.return 312 NO_ROUTE "amq.direct" "k" "1"`, "basic.ack 1")},
		{"a return without confirms", nil, do(mandatory("", "nobody", "1")), says(`basic.return 312 NO_ROUTE "" "nobody" "1"`)},
		{"immediate", given, do(immediate), says("connection 540 NOT_IMPLEMENTED - immediate=true (60.40)")},
		{"select confirms twice", do(queue("q"), confirm, publish("", "q", "0"), awaited(1), confirm), do(publish("", "q", "1")), says("basic.ack 2")},
		{"an empty body", given, do(publish("", "q", "")), says("basic.ack 1")},

		// properties
		{"delivery mode 0", given, do(with(wire.GivenDeliveryMode, wire.Properties{})), says("channel 406 PRECONDITION_FAILED - invalid message: {delivery_mode_unknown,0} (60.40)")},
		{"delivery mode 1", given, do(with(wire.GivenDeliveryMode, wire.Properties{DeliveryMode: 1})), says("basic.ack 1")},
		{"delivery mode 2", given, do(with(wire.GivenDeliveryMode, wire.Properties{DeliveryMode: 2})), says("basic.ack 1")},
		{"delivery mode 3", given, do(with(wire.GivenDeliveryMode, wire.Properties{DeliveryMode: 3})), says("channel 406 PRECONDITION_FAILED - invalid message: {delivery_mode_unknown,3} (60.40)")},
		{"delivery mode 255", given, do(with(wire.GivenDeliveryMode, wire.Properties{DeliveryMode: 255})), says("channel 406 PRECONDITION_FAILED - invalid message: {delivery_mode_unknown,255} (60.40)")},
		{"somebody else's user-id", given, do(with(wire.GivenUserID, wire.Properties{UserID: "other"})), says("channel 406 PRECONDITION_FAILED - user_id property set to 'other' but authenticated user was 'U' (60.40)")},
		{"an empty user-id", given, do(with(wire.GivenUserID, wire.Properties{})), says("channel 406 PRECONDITION_FAILED - user_id property set to '' but authenticated user was 'U' (60.40)")},
		{"one's own user-id", given, do(later(func(s *session) any { return with(wire.GivenUserID, wire.Properties{UserID: s.user}) })), says("basic.ack 1")},
		{"expiration abc", given, do(expiring("abc")), badExpiration("'abc': no_integer")},
		{"expiration -1", given, do(expiring("-1")), badExpiration("'-1': {value_negative,-1}")},
		{"expiration empty", given, do(expiring("")), badExpiration("'': no_integer")},
		{"expiration 5.5", given, do(expiring("5.5")), badExpiration(`'5.5': {leftover_string,".5"}`)},
		{"expiration 5 and a blank", given, do(expiring("5 ")), badExpiration(`'5 ': {leftover_string," "}`)},
		{"expiration a blank and 5", given, do(expiring(" 5")), badExpiration("' 5': no_integer")},
		{"expiration +5", given, do(expiring("+5")), says("basic.ack 1")},
		{"expiration -", given, do(expiring("-")), badExpiration("'-': no_integer")},
		{"expiration ++5", given, do(expiring("++5")), badExpiration("'++5': no_integer")},
		{"expiration of more than ten years", given, do(expiring("99999999999999")), badExpiration("'99999999999999': {value_too_large,99999999999999}")},
		{"expiration beyond 64 bits", given, do(expiring("99999999999999999999")), badExpiration("'99999999999999999999': {value_too_large,99999999999999999999}")},
		{"expiration beyond 64 bits, negative", given, do(expiring("-99999999999999999999")), badExpiration("'-99999999999999999999': {value_negative,-99999999999999999999}")},
		{"expiration 0", do(queue("q"), confirm), do(expiring("0"), awaited(1), get("q")), says("basic.ack 1", "basic.get-empty")},

		// sender-selected distribution
		{"CC and BCC", do(queue("a"), queue("b"), queue("q"), headers(pubsub.Table{"CC": []any{"a"}, "BCC": []any{"b"}})), do(get("q"), get("a"), get("b")),
			says(`basic.get-ok 1 "" "q" "1" [CC] 0 more`, `basic.get-ok 2 "" "q" "1" [CC] 0 more`, `basic.get-ok 3 "" "q" "1" [CC] 0 more`)},
		{"BCC of a message that comes back", nil, do(func() message {
			m := headers(pubsub.Table{"CC": []any{"nobody"}, "BCC": []any{"none"}})
			m.Mandatory = true
			return m
		}()), says(`basic.return 312 NO_ROUTE "" "q" "1" [CC]`)},
		{"CC that is a string", given, do(headers(pubsub.Table{"CC": "a"})), badCC(`"CC",longstr`)},
		{"BCC that is a number", given, do(headers(pubsub.Table{"BCC": int32(1)})), badCC(`"BCC",signedint`)},
		{"CC that is nothing", given, do(headers(pubsub.Table{"CC": nil})), badCC(`"CC",void`)},
		{"CC of a number", given, do(headers(pubsub.Table{"CC": []any{int32(1)}})), says("basic.ack 1")},

		// full queues
		{"a full queue refuses", full("reject-publish"), do(publish("", "q", "1")), says("basic.nack 2")},
		{"a full queue refuses and dead-letters", full("reject-publish-dlx"), do(publish("", "q", "1")), says("basic.nack 2")},
		{"a full queue drops its head", full("drop-head"), do(publish("", "q", "1"), awaited(1), get("q")), says("basic.ack 2", `basic.get-ok 1 "" "q" "1" 0 more`)},
		{"one of two queues refuses", then(full("reject-publish"), queue("p"), bind("q", "amq.fanout", ""), bind("p", "amq.fanout", "")), do(publish("amq.fanout", "", "1"), awaited(1), get("p")),
			says("basic.nack 2", `basic.get-ok 1 "amq.fanout" "" "1" 0 more`)},
		{"length 0", do(queue("q", "x-max-length", int32(0)), confirm), do(publish("", "q", "1"), awaited(1), get("q")), says("basic.ack 1", "basic.get-empty")},
		{"bytes 10: a message that is larger empties the queue", do(queue("q", "x-max-length-bytes", int32(10)), publish("", "q", "1234"), publish("", "q", "123456789012")), do(get("q")), says("basic.get-empty")},
	})
}

// What class confirm and tx are answered. See https://www.rabbitmq.com/docs/semantics.
func TestTransactionAnswers(t *testing.T) {
	begin := do(queue("q"), &wire.TxSelect{})
	transactional := then(filled("1"), &wire.ChannelClose{ReplyCode: 200}, &wire.ChannelOpen{}, &wire.TxSelect{})
	held := then(transactional, get("q"))
	commit, rollback := &wire.TxCommit{}, &wire.TxRollback{}
	ack := &wire.BasicAck{DeliveryTag: 1}
	unknown := says("channel 406 PRECONDITION_FAILED - unknown delivery tag 1 (60.80)")
	answers(t, []answer{
		{"tx after confirms", do(confirm), do(&wire.TxSelect{}), says("channel 406 PRECONDITION_FAILED - cannot switch from confirm to tx mode (90.10)")},
		{"confirms after tx", do(&wire.TxSelect{}), do(confirm), says("channel 406 PRECONDITION_FAILED - cannot switch from tx to confirm mode (85.10)")},
		{"commit without select", nil, do(commit), says("channel 406 PRECONDITION_FAILED - channel is not transactional (90.20)")},
		{"rollback without select", nil, do(rollback), says("channel 406 PRECONDITION_FAILED - channel is not transactional (90.30)")},
		{"select twice", begin, do(&wire.TxSelect{}, commit), says("tx.select-ok", "tx.commit-ok")},
		{"a publish is not there before commit", then(begin, publish("", "q", "1")), do(inspect("q"), commit, inspect("q")), says("queue.declare-ok q 0 0", "tx.commit-ok", "queue.declare-ok q 1 0")},
		{"a publish is forgotten by rollback", then(begin, publish("", "q", "1")), do(rollback, commit, inspect("q")), says("tx.rollback-ok", "tx.commit-ok", "queue.declare-ok q 0 0")},
		{"a return comes with commit", then(begin, mandatory("", "nobody", "1")), do(inspect("q"), commit), says("queue.declare-ok q 0 0", `basic.return 312 NO_ROUTE "" "nobody" "1"`, "tx.commit-ok")},
		{"an exchange that is missing", begin, do(publish("nope", "k", "1"), awaited(1)), says(noExchange + "(60.40)")},
		{"publish to an internal exchange", then(begin, &wire.ExchangeDeclare{Exchange: "i", Type: "fanout", Internal: true}), do(publish("i", "k", "1"), inspect("q")),
			says("channel 403 ACCESS_REFUSED - cannot publish to internal exchange 'i' in vhost 'V' (60.40)")},
		{"an exchange that goes before commit", do(exchange("e", "fanout"), &wire.TxSelect{}, publish("e", "", "1"), &wire.ExchangeDelete{Exchange: "e"}), do(commit), says("tx.commit-ok")},
		{"a full queue", do(queue("q", "x-max-length", int32(0), "x-overflow", "reject-publish"), &wire.TxSelect{}, publish("", "q", "1")), do(commit), says("channel 406 PRECONDITION_FAILED - partial tx completion (90.20)")},
		{"an unknown tag", begin, do(&wire.BasicAck{DeliveryTag: 9}), says("channel 406 PRECONDITION_FAILED - unknown delivery tag 9 (60.80)")},
		{"an ack twice", held, do(ack, ack), unknown},
		{"an ack twice, multiple", held, do(ack, &wire.BasicAck{DeliveryTag: 1, Multiple: true}), unknown},
		{"all twice", held, do(ack, &wire.BasicAck{Multiple: true}, commit), says("tx.commit-ok")},
		{"an ack that is rolled back can be given again", then(held, ack), do(rollback, ack, commit, &wire.BasicRecover{Requeue: true}, get("q")), says("tx.rollback-ok", "tx.commit-ok", "basic.recover-ok", "basic.get-empty")},
		{"a nack that is rolled back", then(held, &wire.BasicNack{DeliveryTag: 1, Requeue: true}), do(rollback, get("q"), ack, commit, get("q")), says("tx.rollback-ok", "basic.get-empty", "tx.commit-ok", "basic.get-empty")},
		{"acks before commit are not recovered", then(held, ack), do(&wire.BasicRecover{Requeue: true}, get("q"), rollback, &wire.BasicRecover{Requeue: true}, get("q")),
			says("basic.recover-ok", "basic.get-empty", "tx.rollback-ok", "basic.recover-ok", `basic.get-ok 2 again "" "q" "1" 0 more`)},
		// By a consumer, since RabbitMQ's channels end before what they got alone is back.
		{"acks before commit go back with the channel", then(transactional, consume("q", "c"), awaited(1), ack), do(&wire.ChannelClose{ReplyCode: 200}, &wire.ChannelOpen{}, get("q")), says("channel.close-ok", "channel.open-ok", `basic.get-ok 1 again "" "q" "1" 0 more`)},
	})
}
