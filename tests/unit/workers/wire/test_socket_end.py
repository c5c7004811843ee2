"""One end of a socket pair: each error of the socket is one error, whoever sends or waits."""

from __future__ import annotations

import socket

import pytest

from workers.wire.socket_end import LinkClosed, SocketEnd


def test_an_end_that_is_closed_says_so_to_who_waits_and_to_who_sends() -> None:
    one, other = map(SocketEnd, socket.socketpair())
    assert not one._is_readable(0.0)
    one._send_bytes(b"last words")
    one.close()
    one.close()
    assert one.fileno() == -1
    assert other._receive_bytes(100) == b"last words"
    for fails in (lambda: one._is_readable(0.0), lambda: one._send_bytes(b"x"), lambda: other._receive_bytes(1)):
        with pytest.raises(LinkClosed):
            fails()
    other.close()
