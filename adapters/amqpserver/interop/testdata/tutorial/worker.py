#!/usr/bin/python3
"""Work queues: does one task at a time, and acknowledges it when it is done."""
import os
import sys
import time

import pika

connection = pika.BlockingConnection(pika.URLParameters(os.environ["AMQP_URL"]))
channel = connection.channel()
channel.queue_declare(queue="task_queue", durable=True)


def callback(ch, method, properties, body):
    print(f" [x] Received {body.decode()} persistent={properties.delivery_mode == 2} redelivered={method.redelivered}")
    time.sleep(body.count(b".") * 0.1)
    if body.startswith(b"crash") and not method.redelivered:
        os._exit(3)
    print(" [x] Done")
    ch.basic_ack(delivery_tag=method.delivery_tag)


channel.basic_qos(prefetch_count=1)
channel.basic_consume(queue="task_queue", on_message_callback=callback)
print(" [*] Waiting for messages. To exit press CTRL+C")
try:
    channel.start_consuming()
except KeyboardInterrupt:
    sys.exit(0)
