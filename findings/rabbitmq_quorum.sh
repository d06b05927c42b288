#!/usr/bin/env bash
# A quorum queue of RabbitMQ ignores exclusive consumers, closes the connection for if-unused, and can't have a server-generated name.
#
# Versions: RabbitMQ 4.0.5 (Debian 13), tested with pika 1.3.2.
#
# A classic queue that has a consumer refuses basic.consume with `exclusive`, and an exclusive consumer excludes others. A
# quorum queue accepts the flag, but delivers messages to a second consumer, too. A classic queue supports queue.delete with
# `if_unused`; a quorum queue closes the whole connection with 540 NOT_IMPLEMENTED. If a node makes quorum queues by default
# (`default_queue_type = quorum`), queue.declare with an empty name, for a queue that is not exclusive, fails with 406. A client
# can't detect any of this in advance: the flags are part of AMQP 0-9-1.
#
# What to do: use `x-single-active-consumer` instead of `exclusive`, names chosen by the client, and deletion without flags.
#
# Seen:
#   4.0.5: classic, two consumers: channel closed, 403
#   classic, if_unused: deleted
#   quorum, two consumers: both have received
#   quorum, if_unused: connection closed, 540
#   default, no name: named
#   4.0.5 with default_queue_type = quorum: default, no name: channel closed, 406
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

debian_root trixie rabbitmq-server=4.0.5-6+deb13u2 python3-pika=1.3.2-1

cat >"$work/ask.py" <<'END'
import pika

def attempt(name, ask, **arguments):
    connection = pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1"))
    try:
        print(f"{name}: {ask(connection, connection.channel(), arguments)}")
        connection.close()
    except pika.exceptions.ChannelClosedByBroker as error:
        print(f"{name}: channel closed, {error.reply_code}")
    except pika.exceptions.ConnectionClosedByBroker as error:
        print(f"{name}: connection closed, {error.reply_code}")

def two_consumers(connection, channel, arguments):
    queue = "consumed-" + arguments["x-queue-type"]
    channel.queue_declare(queue, durable=True, arguments=arguments)
    received = {"exclusive": 0, "other": 0}
    def count(name):
        def on_message(channel, method, properties, body):
            received[name] += 1
            channel.basic_ack(method.delivery_tag)
        return on_message
    channel.basic_consume(queue, count("exclusive"), exclusive=True)
    channel.basic_consume(queue, count("other"))
    for _ in range(10):
        channel.basic_publish("", queue, b"")
    while sum(received.values()) < 10:
        connection.process_data_events(1)
    return "both have received" if all(received.values()) else "one has received"

def delete_if_unused(connection, channel, arguments):
    channel.queue_declare("unused", durable=True, arguments=arguments)
    channel.queue_delete("unused", if_unused=True)
    return "deleted"

def let_server_name(connection, channel, arguments):
    return "named" if channel.queue_declare("", durable=True, arguments=arguments).method.queue else "not named"

for kind in "classic", "quorum":
    attempt(f"{kind}, two consumers", two_consumers, **{"x-queue-type": kind})
    attempt(f"{kind}, if_unused", delete_if_unused, **{"x-queue-type": kind})
attempt("default, no name", let_server_name)
END

expect "4.0.5" "classic, two consumers: channel closed, 403
classic, if_unused: deleted
quorum, two consumers: both have received
quorum, if_unused: connection closed, 540
default, no name: named" "$(ask_rabbitmq trixie <"$work/ask.py")"
expect "4.0.5 with default_queue_type = quorum" "default, no name: channel closed, 406" \
  "$(ask_rabbitmq trixie "default_queue_type = quorum" <"$work/ask.py" | tail -n 1)"
