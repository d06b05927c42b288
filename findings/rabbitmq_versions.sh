#!/usr/bin/env bash
# RabbitMQ's reactions to `mandatory` for a direct reply-to, and to a small frame_max, changed between 4.0 and 4.3.
#
# Versions: RabbitMQ 4.0.5 (Debian 13) and 4.3.6 (sid), tested with pika 1.3.2 and 1.4.4.
#
# An answer that is published with `mandatory` to a requester's amq.rabbitmq.reply-to should be returned if the requester is
# gone. 4.0.5 always returns it (312 NO_ROUTE), even if it has delivered it. 4.3.6 never returns it. In neither version does the
# flag tell whether the requester exists. A client that requests a frame_max below 8192, which AMQP permits down to 4096, is
# accepted by 4.0.5; 4.3.6 waits 3 seconds and resets the connection, without stating a reason.
#
# What to do: publish answers without `mandatory`; request a frame_max of 8192 or more.
#
# Seen:
#   4.0.5: requester there: 1 received, 1 returned
#   requester gone: 0 received, 1 returned
#   frame_max 8192: served
#   frame_max 8191: served
#   4.3.6: requester there: 1 received, 0 returned
#   requester gone: 0 received, 0 returned
#   frame_max 8192: served
#   frame_max 8191: reset after 3 s
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

debian_root trixie rabbitmq-server=4.0.5-6+deb13u2 python3-pika=1.3.2-1
debian_root sid rabbitmq-server=4.3.6-1 python3-pika=1.4.4-1

cat >"$work/ask.py" <<'END'
import time

import pika

def connect(**parameters):
    return pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", **parameters))

def answer(requester_stays):
    asking = connect()
    requester = asking.channel()
    requester.queue_declare("requests")
    answers, returned = [], []
    requester.basic_consume("amq.rabbitmq.reply-to", lambda *message: answers.append(message), auto_ack=True)
    requester.basic_publish("", "requests", b"", pika.BasicProperties(reply_to="amq.rabbitmq.reply-to"))
    answering = connect()
    responder = answering.channel()
    responder.add_on_return_callback(lambda *message: returned.append(message[1].reply_code))
    _, properties, _ = responder.basic_get("requests", auto_ack=True)
    if not requester_stays:
        asking.close()
    responder.basic_publish("", properties.reply_to, b"", mandatory=True)
    end = time.monotonic() + 2  # in which what comes has come
    while time.monotonic() < end:
        answering.process_data_events(0.1)
        if requester_stays:
            asking.process_data_events(0.1)
    return f"{len(answers)} received, {len(returned)} returned"

print("requester there:", answer(True))
print("requester gone:", answer(False))
for frame_max in 8192, 8191:
    begin = time.monotonic()
    try:
        connect(frame_max=frame_max, connection_attempts=1).close()
        print(f"frame_max {frame_max}: served")
    except pika.exceptions.AMQPConnectionError as error:
        print(f"frame_max {frame_max}:", "reset" if "ConnectionResetError" in repr(error) else repr(error),
              f"after {time.monotonic() - begin:.0f} s")
END

expect "4.0.5" "requester there: 1 received, 1 returned
requester gone: 0 received, 1 returned
frame_max 8192: served
frame_max 8191: served" "$(ask_rabbitmq trixie <"$work/ask.py")"
expect "4.3.6" "requester there: 1 received, 0 returned
requester gone: 0 received, 0 returned
frame_max 8192: served
frame_max 8191: reset after 3 s" "$(ask_rabbitmq sid <"$work/ask.py")"
