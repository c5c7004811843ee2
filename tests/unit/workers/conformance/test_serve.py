"""The process that answers calls."""

from __future__ import annotations

import threading

import pytest

from tests.unit.workers.conformance.checked import entry_of
from workers.conformance.computes import Computes
from workers.conformance.failure import Failure
from workers.conformance.serve import READY, serve
from workers.wire.frames import frame_pair
from workers.wire.socket_end import LinkClosed


def test_calls_are_answered_in_order_until_the_socket_is_closed(installed: object) -> None:
    mine, its = frame_pair()
    ended: list[BaseException] = []

    def serving() -> None:
        with pytest.raises(LinkClosed) as caught:
            serve(its, Computes)
        ended.append(caught.value)

    thread = threading.Thread(target=serving)
    thread.start()
    mine.send((entry_of("NoOffer"), "cpu"))
    assert mine.receive() == READY
    mine.send(("load", ()))
    has_worked, failure = mine.receive()
    assert not has_worked
    assert isinstance(failure, Failure)
    mine.close()
    thread.join(30)
    assert ended
    its.close()
