"""Answers are sent while the next run is computed: whole, in order, one waiting at most."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest

from workers.wire.background import BackgroundSender
from workers.wire.frames import FrameLink, frame_pair, packed_parts
from workers.wire.socket_end import LinkClosed

LARGE = b"x" * 3_000_000
"""More than a socket holds."""


@pytest.fixture
def ends() -> Iterator[tuple[FrameLink, FrameLink]]:
    one, other = frame_pair()
    yield one, other
    one.close()
    other.close()


def test_a_frame_larger_than_the_room_keeps_nobody_waiting_and_arrives_whole(ends: tuple[FrameLink, FrameLink]) -> None:
    sender = BackgroundSender(ends[0])
    sender.send(packed_parts(LARGE))  # nobody reads yet
    assert ends[1].receive() == LARGE
    sender.flush()


def test_one_frame_waits_at_most(ends: tuple[FrameLink, FrameLink]) -> None:
    sender = BackgroundSender(ends[0])
    sender.send(packed_parts(LARGE))
    second = threading.Thread(target=sender.send, args=(packed_parts("second"),))
    second.start()
    second.join(0.1)
    assert second.is_alive()
    assert [ends[1].receive(), ends[1].receive()] == [LARGE, "second"]
    second.join()


def test_what_waits_is_a_copy_that_its_maker_may_write_over(ends: tuple[FrameLink, FrameLink]) -> None:
    sender, made = BackgroundSender(ends[0]), np.ones(1_000_000, np.float32)
    sender.send(packed_parts(made))
    made[:] = 0
    assert ends[1].receive()[200_000:].all()


def test_a_small_frame_needs_no_thread(ends: tuple[FrameLink, FrameLink]) -> None:
    before = threading.active_count()
    BackgroundSender(ends[0]).send(packed_parts("small"))
    assert threading.active_count() == before
    assert ends[1].receive() == "small"


def test_that_nobody_reads_any_more_is_known_at_the_next_frame(ends: tuple[FrameLink, FrameLink]) -> None:
    sender = BackgroundSender(ends[0])
    sender.send(packed_parts(LARGE))
    ends[1].close()
    with pytest.raises(LinkClosed):
        sender.send(packed_parts("next"))
    with pytest.raises(LinkClosed):
        sender.flush()
