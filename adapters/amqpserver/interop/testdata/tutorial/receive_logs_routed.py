#!/usr/bin/python3
"""Routing and topics: prints log messages with some keys.

usage: receive_logs_routed.py direct|topic KEY...
"""
import os
import sys

import pika

kind, binding_keys = sys.argv[1], sys.argv[2:]
connection = pika.BlockingConnection(pika.URLParameters(os.environ["AMQP_URL"]))
channel = connection.channel()
channel.exchange_declare(exchange=f"{kind}_logs", exchange_type=kind)
result = channel.queue_declare("", exclusive=True)
queue_name = result.method.queue
for binding_key in binding_keys:
    channel.queue_bind(exchange=f"{kind}_logs", queue=queue_name, routing_key=binding_key)


def callback(ch, method, properties, body):
    print(f" [x] {method.routing_key}:{body.decode()}")


channel.basic_consume(queue=queue_name, on_message_callback=callback, auto_ack=True)
print(" [*] Waiting for logs. To exit press CTRL+C")
try:
    channel.start_consuming()
except KeyboardInterrupt:
    sys.exit(0)
