"""What every case waits and compares with."""
import asyncio
import itertools
import json
import os

PATIENCE = int(os.environ.get("INTEROP_PATIENCE", 1))
DEADLINE = 20 * PATIENCE  # seconds for any one event
CHECK_PERIOD = 1 + PATIENCE  # seconds, after which a server says over RabbitMQ that it is still there
EMULATOR = os.environ.get("EMULATOR", "")  # what runs the program under test, where that is of another system
_numbers = itertools.count(1)


def fresh(name):
    """A name that no one else has."""
    return f"{name}-{os.getpid()}-{next(_numbers)}"


async def within(awaitable, what, seconds=DEADLINE):
    try:
        return await asyncio.wait_for(awaitable, seconds)
    except asyncio.TimeoutError:
        raise AssertionError(f"waited {seconds} s in vain for {what}") from None


def equal(got, expected, what="the answer"):
    """Compares as JSON text, for which 1, 1.0 and true are three things; the order of keys does not count."""
    texts = [json.dumps(value, sort_keys=True, ensure_ascii=False) for value in (got, expected)]
    if texts[0] != texts[1]:
        shown = [text if len(text) < 300 else f"{text[:300]}... ({len(text)} characters)" for text in texts]
        raise AssertionError(f"{what} is {shown[0]}, not {shown[1]}")
