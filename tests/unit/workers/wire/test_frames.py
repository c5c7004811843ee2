"""Frames: values arrive whole and in order, also those that were sent before the other end was closed."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest

from workers.wire.frames import FrameLink, frame_pair, packed_parts
from workers.wire.socket_end import LinkClosed


@pytest.fixture
def ends() -> Iterator[tuple[FrameLink, FrameLink]]:
    one, other = frame_pair(parents_limit_s=0.2)
    yield one, other
    one.close()
    other.close()


def test_values_arrive_in_order_and_whole(ends: tuple[FrameLink, FrameLink]) -> None:
    one, other = ends
    large = b"x" * 3_000_000
    sending = threading.Thread(target=other.send_all, args=([1, large, "đủ"],))
    sending.start()
    found: list[object] = []
    while len(found) < 3:
        found += one.pending(1.0)
    sending.join()
    assert found == [1, large, "đủ"]


def test_pending_takes_only_what_has_arrived(ends: tuple[FrameLink, FrameLink]) -> None:
    one, other = ends
    assert one.pending() == []
    other.send_all(["a", "b"])
    assert one.pending(1.0) == ["a", "b"]


def test_what_was_sent_before_the_end_can_still_be_received(ends: tuple[FrameLink, FrameLink]) -> None:
    one, other = ends
    one.send("last words")
    one.close()
    assert other.receive() == "last words"
    with pytest.raises(LinkClosed):
        other.receive()


def test_a_process_that_reads_nothing_is_given_up(ends: tuple[FrameLink, FrameLink]) -> None:
    with pytest.raises(LinkClosed):
        ends[0].send(b"x" * 30_000_000)


@pytest.mark.parametrize("sizes", [(0,), (1, 5), (70_000, 3, 0, 200_000), (10,) * 2000])
def test_arrays_arrive_as_they_were_sent(ends: tuple[FrameLink, FrameLink], sizes: tuple[int, ...]) -> None:
    one, other = ends
    arrays = [np.arange(size, dtype=np.float32) for size in sizes]

    def send() -> None:
        parts = packed_parts(("before", arrays))
        other.send_packed(other.send_at_once(parts))
        other.send("after")

    sending = threading.Thread(target=send)
    sending.start()
    (word, found), after = one.receive(), one.receive()
    sending.join()
    assert (word, after) == ("before", "after")
    assert all(np.array_equal(got, sent) for got, sent in zip(found, arrays, strict=True))
    found[-1][:] = 1  # what was received belongs to who received it


def test_a_value_that_cannot_be_pickled_sends_nothing(ends: tuple[FrameLink, FrameLink]) -> None:
    one, other = ends
    with pytest.raises(Exception, match="pickle"):
        one.send_all(["first", lambda: None])
    assert other.pending() == []
