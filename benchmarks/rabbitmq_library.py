"""The Python library through a RabbitMQ broker, with the options of the other programs of the benchmarks.

    rabbitmq_library.py server|client --address=URL [--depth=N] [--seconds=N] [--size=N] [--server-pid=N]
"""
import argparse
import asyncio
import json
import os
import time

from communica import SimpleClient, SimpleServer
from communica.connectors.rabbitmq import RmqConnector


def cpu_seconds(pid):
    return time.clock_gettime(~pid << 3 | 2)  # the clock of that process, as clock_getcpuclockid makes it


async def serve(options):
    server = SimpleServer(RmqConnector(options.address, "bench-python"), lambda value: value)
    await server.init()
    print("READY", flush=True)
    await asyncio.Event().wait()


async def ask(options):
    client = SimpleClient(RmqConnector(options.address, "bench-python", "client"), client_id="client")
    await client.init()
    value = "x" * options.size
    warm_until = time.perf_counter() + min(0.25, options.seconds / 3)
    end = warm_until + options.seconds
    latencies = []
    cpu = None

    async def ask_again_and_again():
        nonlocal cpu
        while (begin := time.perf_counter()) < end:
            assert await client.request(value) == value
            if begin >= warm_until:
                cpu = cpu or cpu_seconds(options.server_pid) + time.process_time()
                latencies.append(time.perf_counter() - begin)

    await asyncio.gather(*(ask_again_and_again() for _ in range(options.depth)))
    latencies.sort()
    used = cpu_seconds(options.server_pid) + time.process_time() - cpu
    print(json.dumps({
        "per_second": len(latencies) / options.seconds,
        "p50_us": latencies[len(latencies) // 2] * 1e6,
        "p99_us": latencies[len(latencies) * 99 // 100] * 1e6,
        "cpu_us": used / len(latencies) * 1e6,
    }), flush=True)
    os._exit(0)  # taking the connection down is not measured


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("role", choices=("server", "client"))
    parser.add_argument("--address", required=True)
    parser.add_argument("--depth", type=int, default=1)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=1)
    parser.add_argument("--server-pid", type=int, default=0)
    options = parser.parse_args()
    asyncio.run(serve(options) if options.role == "server" else ask(options))


if __name__ == "__main__":
    main()
