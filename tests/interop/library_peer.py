#!/usr/bin/env python3
"""The interop peer on top of the Python library `communica`, which is taken from PYTHONPATH."""
import json
import os
import ssl
import sys

import communica
from communica.connectors.rabbitmq import DEFAULT_POOL, RmqConnector
from communica.connectors.stream.connector import StreamConnection
from communica.exceptions import ReqError, RespError, SerializerError, UnknownError

from certificates import context
from interop_program import main
from python_peer import PeerError

ERRORS = {"req": ReqError, "resp": RespError}
KINDS = {ReqError: "req", RespError: "resp", UnknownError: "unknown"}


def handler(operation):
    """The library's kind of handler: it raises the library's errors."""

    async def handle(data):
        try:
            return await operation(data)
        except PeerError as error:
            raise ERRORS[error.kind](error.message, error.code) from None

    return handle


def simple_handler(ops):
    async def dispatch(data):
        if data["op"] not in ops:
            raise PeerError("req", f'Unknown op "{data["op"]}"', 400)
        return await ops[data["op"]](data)

    return handler(dispatch)


def route_table(ops):
    table = communica.RouteTable()
    for name, operation in ops.items():
        table.add_route(name, handler(operation), None)
    return table


class Entity:
    """What interop_program asks of an entity, in the library's words."""

    def __init__(self, entity, mode):
        self.entity, self.mode = entity, mode

    async def start(self):
        await self.entity.init()

    async def close(self):
        await self.entity.close()
        await DEFAULT_POOL.purge()  # connections to brokers, which outlive entities

    async def request(self, op, args, client_id=None, throw=False):
        ask = self.entity.throw if throw else self.entity.request
        words = (op, args) if self.mode == "route" else ({"op": op, **args},)
        target = {} if hasattr(self.entity, "client_id") else {"client_id": client_id}
        try:
            return await ask(*words, **target)
        except tuple(KINDS) as error:
            raise PeerError(KINDS[type(error)], error.message, error.code) from None
        except (SerializerError, ValueError) as error:
            raise PeerError("data", str(error)) from None


def make_server(connector, mode, ops):
    if mode == "route":
        return Entity(communica.RouteServer(connector, route_table(ops)), mode)
    return Entity(communica.SimpleServer(connector, simple_handler(ops)), mode)


def make_client(connector, mode, ops, client_id):
    if mode == "route":
        return Entity(communica.RouteClient(connector, client_id, route_table(ops)), mode)
    return Entity(communica.SimpleClient(connector, simple_handler(ops), client_id=client_id), mode)


def tcp_connector(state):
    """The library takes one context for a connector, which here is a server's or a client's."""
    purpose = ssl.Purpose.CLIENT_AUTH if sys.argv[1] == "server" else ssl.Purpose.SERVER_AUTH
    return communica.TcpConnector.from_state(json.dumps(state), context(purpose) if state.get("ssl") else None)


def rabbitmq_connector(state):
    """Its states are only pickled. A server has no client id."""
    RmqConnector.CONNECTION_CHECK_PERIOD = float(os.environ.get("COMMUNICA_RMQ_CHECK_PERIOD", 20))
    return RmqConnector(state["url"], state["address"], state["client_id"], state["exchange_name"])


if __name__ == "__main__":
    StreamConnection._MAX_CHUNK_SIZE = int(os.environ.get("COMMUNICA_MAX_CHUNK", StreamConnection._MAX_CHUNK_SIZE))
    main(
        make_server,
        make_client,
        PeerError,
        {
            "TcpConnector": tcp_connector,
            "LocalConnector": lambda state: communica.LocalConnector.from_state(json.dumps(state)),
            "RABBITMQ": rabbitmq_connector,
        },
    )
