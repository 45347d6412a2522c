"""Kombu, and py-amqp below it: what Celery talks with."""
import os

import amqp
import kombu

with kombu.Connection(os.environ["AMQP_URL"], transport_options={"confirm_publish": True}) as conn:
    channel = conn.channel()
    topic = kombu.Exchange("kombu", "topic", durable=False)
    queue = kombu.Queue("kombu", topic, "a.#", durable=False, max_priority=5, message_ttl=60)
    got = []

    def take(body, message):
        got.append(body)
        if message.delivery_info["redelivered"]:
            message.ack()
        else:
            message.requeue()

    producer = kombu.Producer(channel, serializer="json")
    with kombu.Consumer(channel, [queue], callbacks=[take], prefetch_count=1):
        producer.publish({"n": 1, "s": "é"}, exchange=topic, routing_key="a.b", headers={"x": [1, 2.5, None, {"y": True}]}, priority=3)
        while len(got) < 2:
            conn.drain_events(timeout=30)
        print("consumed", got)

    producer.publish("again", exchange=topic, routing_key="a", headers={"x": [1, 2.5, None, {"y": True}]}, priority=3, expiration=50)
    message = queue(channel).get()
    print("got", message.payload, message.headers["x"], message.properties["priority"], message.properties["expiration"])
    message.reject()
    print("purged", queue(channel).purge())

    returned = []
    channel.events["basic_return"].add(lambda e, exchange, key, m: returned.append((e.reply_code, e.reply_text, exchange, key)))
    producer.publish("lost", exchange=topic, routing_key="b", mandatory=True)
    print("returned", returned)
    try:
        kombu.Queue("kombu", topic, "a.#", durable=True)(channel).declare()
    except amqp.PreconditionFailed as e:
        print(e.reply_code, e.reply_text.split(" for ")[0])
    channel = conn.channel()
    print("deleted", queue(channel).delete())

    simple = conn.SimpleQueue("simple", queue_opts={"durable": False}, exchange_opts={"durable": False})
    simple.put({"hello": "world"})
    m = simple.get(block=True, timeout=30)
    print("simple", m.payload)
    m.ack()
    simple.close()
