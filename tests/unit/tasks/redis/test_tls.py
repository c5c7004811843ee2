"""A URL for TLS at a server without it, and the reverse: the mismatch is named, in one line."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tasks.errors import BrokerRefused, BrokerUnavailable
from tasks.redis import broker as plain
from tasks.redis.tls import mismatch


@pytest.fixture
def tls_port() -> Iterator[int]:
    """A port that speaks TLS, although without a certificate: a handshake ends with its alert."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    client, _ = server.accept()
                    with contextlib.suppress(OSError), client:
                        context.wrap_socket(client, server_side=True)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def ask(url: str) -> None:
    """One command; raises what a command of slotline would."""
    limits = {"socket_timeout": 1.0, "socket_connect_timeout": 1.0}
    with plain.speaking(url), Redis.from_url(url, retry=Retry(NoBackoff(), 0), **limits) as client:
        client.ping()


def test_a_plain_url_at_a_port_with_tls_is_named(tls_port: int) -> None:
    with pytest.raises(BrokerRefused, match=r"speaks TLS: write rediss://"):
        ask(f"redis://:secret@127.0.0.1:{tls_port}/0")


def test_a_url_with_tls_at_a_plain_port_is_named(broker: str) -> None:
    with pytest.raises(BrokerRefused, match=r"speaks no TLS: write redis://") as raised:
        ask(broker.replace("redis://", "rediss://:secret@"))
    assert "secret" not in str(raised.value)


def test_where_nothing_listens_nothing_is_claimed(unused_port: int, broker: str) -> None:
    assert mismatch(f"redis://127.0.0.1:{unused_port}/0") == ""
    assert mismatch(f"rediss://127.0.0.1:{unused_port}/0") == ""
    assert mismatch("sentinel://127.0.0.1:1/0") == ""
    assert mismatch("redis://127.0.0.1:port/0") == ""
    assert mismatch(broker) == ""
    with pytest.raises(BrokerUnavailable, match="no Redis answers"):
        ask(f"redis://127.0.0.1:{unused_port}/0")
