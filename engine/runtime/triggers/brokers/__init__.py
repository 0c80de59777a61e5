"""Lines to brokers: how messages are taken from NATS JetStream, RabbitMQ and Kafka, and acknowledged.

One library speaks to all of them. What a message means is not known here.
"""
