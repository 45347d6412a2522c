#!/usr/bin/python3
"""Prints messages with pika, in the manner of the publish/subscribe tutorial.

usage: receive_logs.py URL EXCHANGE TYPE COUNT [key...]

Prints the bodies of COUNT messages, one a line, and ends. With TYPE "headers",
it binds to those with the header format=pdf, and prints each message's
headers, too.
"""
import sys

import pika

url, exchange, exchange_type, count = sys.argv[1:5]
left = int(count)

connection = pika.BlockingConnection(pika.URLParameters(url))
channel = connection.channel()
channel.exchange_declare(exchange=exchange, exchange_type=exchange_type)
queue = channel.queue_declare(queue="", exclusive=True).method.queue

arguments = None
if exchange_type == "headers":
    arguments = {"x-match": "all", "format": "pdf"}
for key in sys.argv[5:] or [""]:
    channel.queue_bind(
        exchange=exchange, queue=queue, routing_key=key, arguments=arguments
    )


def callback(ch, method, properties, body):
    global left
    sys.stdout.buffer.write(body)
    if exchange_type == "headers":
        sys.stdout.buffer.write(f" {sorted(properties.headers.items())}".encode())
    sys.stdout.buffer.write(b"\n")
    left -= 1
    if left == 0:
        channel.stop_consuming()


channel.basic_consume(queue=queue, on_message_callback=callback, auto_ack=True)
print(" [*] Waiting for logs. To exit press CTRL+C", file=sys.stderr, flush=True)
channel.start_consuming()
sys.stdout.flush()
connection.close()
