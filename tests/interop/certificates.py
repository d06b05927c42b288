"""TLS for the peers in Python, with the certificates in the directory $COMMUNICA_CERTIFICATES. Both sides show one."""
import asyncio
import os
import ssl
from functools import partial


def context(purpose):
    directory = os.environ["COMMUNICA_CERTIFICATES"]
    made = ssl.create_default_context(purpose, cafile=os.path.join(directory, "authority.pem"))
    made.load_cert_chain(os.path.join(directory, "peer.pem"))
    made.verify_mode = ssl.CERT_REQUIRED
    return made


def streams(with_tls):
    """What opens a stream, and what serves them."""
    if not with_tls:
        return asyncio.open_connection, asyncio.start_server
    return (partial(asyncio.open_connection, ssl=context(ssl.Purpose.SERVER_AUTH)),
            partial(asyncio.start_server, ssl=context(ssl.Purpose.CLIENT_AUTH)))
