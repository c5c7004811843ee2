"""Whether the server at a broker's URL speaks TLS although the URL says no TLS, or the reverse.

Asked only after a connection has failed in a way that a mismatch explains; sends no password. Everything that it
cannot find out counts as «no mismatch».
"""

from __future__ import annotations

import socket
import ssl
from urllib.parse import urlsplit

LIMIT_S = 1.0
DEFAULT_PORT = 6379


def mismatch(url: str) -> str:
    """Which scheme the URL should have, as a part of a sentence; empty when there is no mismatch."""
    parts = urlsplit(url)
    try:
        address = (parts.hostname or "localhost", parts.port or DEFAULT_PORT)
        if parts.scheme == "redis" and _speaks_tls(address):
            return "the server speaks TLS: write rediss:// instead of redis://"
        if parts.scheme == "rediss" and _speaks_plainly(address):
            return "the server speaks no TLS: write redis:// instead of rediss://"
    except (OSError, ValueError):
        return ""
    return ""


def _speaks_tls(address: tuple[str, int]) -> bool:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # nothing is sent over this connection
    with socket.create_connection(address, timeout=LIMIT_S) as plain:
        try:
            context.wrap_socket(plain).close()
        except ssl.SSLError as exc:
            return "ALERT" in str(exc.reason or "")  # TLS that wants more of its client
    return True


def _speaks_plainly(address: tuple[str, int]) -> bool:
    with socket.create_connection(address, timeout=LIMIT_S) as plain:
        plain.sendall(b"PING\r\n")
        return plain.recv(16)[:1] in (b"+", b"-")
