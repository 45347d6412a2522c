# Bunny, the client for Ruby.
require "bunny"

conn = Bunny.new(ENV["AMQP_URL"], recover_from_connection_close: false)
conn.start
ch = conn.create_channel
ch.confirm_select
x = ch.topic("bunny")
q = ch.queue("bunny", arguments: { "x-max-length" => 10 })
q.bind(x, routing_key: "a.#")
got = Queue.new
q.subscribe(manual_ack: true, consumer_tag: "c") do |info, properties, body|
  got << [body, info.redelivered?, properties.headers.sort]
  info.redelivered? ? ch.ack(info.delivery_tag) : ch.nack(info.delivery_tag, false, true)
end
x.publish("one", routing_key: "a.b", headers: { "n" => 1, "f" => 2.5, "l" => ["a", nil, true], "t" => { "y" => "z" } })
puts "confirmed #{ch.wait_for_confirms}"
2.times { p got.pop }
puts ch.consumers["c"].cancel.consumer_tag

returned = Queue.new
x.on_return { |info, _, body| returned << [info.reply_code, info.reply_text, info.exchange, info.routing_key, body] }
x.publish("lost", routing_key: "b", mandatory: true)
p returned.pop

q.publish("two", persistent: true, message_id: "m", type: "t", priority: 4, correlation_id: "c", expiration: 60000)
ch.wait_for_confirms
info, properties, body = q.pop(manual_ack: true)
p body, info.delivery_tag.to_i, properties.to_hash.sort
ch.reject(info.delivery_tag)

[
  -> (c) { c.queue("bunny", durable: true) },
  -> (c) { c.queue("nope", passive: true) },
  -> (c) { c.exchange_delete("amq.direct") },
  -> (c) { c.queue("amq.mine") },
].each do |fail|
  begin
    fail.call(conn.create_channel)
  rescue Bunny::ChannelLevelException => e
    puts "#{e.class}: #{e.message.sub(/ in vhost '[^']*'/, "")}"
  end
end

tx = conn.create_channel
tx.tx_select
tx.default_exchange.publish("three", routing_key: "bunny")
p tx.queue("bunny", passive: true).message_count
tx.tx_commit
p tx.queue("bunny", passive: true).message_count
puts "deleted #{q.delete.message_count}"
x.delete
conn.close
