#!/usr/bin/python3
"""Publishes messages with pika, in the manner of the publish/subscribe tutorial.

usage: emit_log.py URL EXCHANGE TYPE KEY [message...]

Without words, each line of standard input is a message. With TYPE "headers", the
messages have headers of several types.
"""
import sys

import pika

url, exchange, exchange_type, routing_key = sys.argv[1:5]
if len(sys.argv) > 5:
    messages = [" ".join(sys.argv[5:]).encode()]
else:
    messages = [line.rstrip(b"\n") for line in sys.stdin.buffer]

connection = pika.BlockingConnection(pika.URLParameters(url))
channel = connection.channel()
channel.exchange_declare(exchange=exchange, exchange_type=exchange_type)

properties = None
if exchange_type == "headers":
    properties = pika.BasicProperties(
        content_type="text/plain",
        headers={"format": "pdf", "pages": 12, "draft": True, "note": "å"},
    )

for message in messages:
    channel.basic_publish(
        exchange=exchange,
        routing_key=routing_key,
        body=message,
        properties=properties,
    )
print(f" [x] Sent {len(messages)}")
connection.close()
