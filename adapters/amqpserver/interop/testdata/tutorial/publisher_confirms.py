#!/usr/bin/python3
"""Publisher confirms: sends messages, and knows what became of each."""
import os

import pika
from pika.exceptions import NackError, UnroutableError

connection = pika.BlockingConnection(pika.URLParameters(os.environ["AMQP_URL"]))
channel = connection.channel()
channel.confirm_delivery()
queue = channel.queue_declare(queue="", exclusive=True).method.queue
for i in range(500):
    channel.basic_publish(exchange="", routing_key=queue, body=str(i))
print(f" [x] Confirmed 500, in the queue: {channel.queue_declare(queue=queue, passive=True).method.message_count}")

try:
    channel.basic_publish(exchange="", routing_key="no such queue", body="lost", mandatory=True)
except UnroutableError as error:
    returned = error.messages[0]
    print(f" [x] Returned {returned.method.reply_code} {returned.method.reply_text} {returned.body}")

full = channel.queue_declare(
    queue="", exclusive=True, arguments={"x-max-length": 1, "x-overflow": "reject-publish"}
).method.queue
channel.basic_publish(exchange="", routing_key=full, body="one")
try:
    channel.basic_publish(exchange="", routing_key=full, body="two")
except NackError:
    print(" [x] Refused")
connection.close()
