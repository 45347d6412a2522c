#!/usr/bin/python3
"""Routing and topics: sends a log message with a key.

usage: emit_log_routed.py direct|topic KEY [message...]
"""
import os
import sys

import pika

kind, routing_key = sys.argv[1:3]
connection = pika.BlockingConnection(pika.URLParameters(os.environ["AMQP_URL"]))
channel = connection.channel()
channel.exchange_declare(exchange=f"{kind}_logs", exchange_type=kind)
message = " ".join(sys.argv[3:]) or "Hello World!"
channel.basic_publish(exchange=f"{kind}_logs", routing_key=routing_key, body=message)
print(f" [x] Sent {routing_key}:{message}")
connection.close()
