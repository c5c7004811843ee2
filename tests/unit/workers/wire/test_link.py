"""The line between a slot worker's parent and its child."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from workers.wire.link import Link, LinkClosed


@pytest.fixture
def ends() -> Iterator[tuple[Link, Link]]:
    """A pair whose ends are closed after the test."""
    one, other = Link.pair()
    yield one, other
    one.close()
    other.close()


def test_messages_arrive_whole_and_in_order_however_long(ends: tuple[Link, Link]) -> None:
    one, other = ends
    long = {"n": 2, "text": "ễ" * 300_000}

    def speak() -> None:
        for message in ({"n": 1}, long, {"n": 3}):
            one.send(message)

    sender = threading.Thread(target=speak)
    sender.start()
    found: list[dict[str, object]] = []
    while len(found) < 3:
        found += other.pending(5.0)
    sender.join()
    assert [message["n"] for message in found] == [1, 2, 3]
    assert found[1] == long


def test_looking_without_waiting_gives_nothing_when_nothing_came(ends: tuple[Link, Link]) -> None:
    _, other = ends
    assert other.pending() == []


def test_what_was_said_before_hanging_up_is_still_heard(ends: tuple[Link, Link]) -> None:
    one, other = ends
    one.send({"last": "words"})
    one.close()
    assert other.pending() == [{"last": "words"}]
    with pytest.raises(LinkClosed):
        other.pending()
    assert list(other.messages()) == []


def test_speaking_to_nobody_is_an_error_of_its_own(ends: tuple[Link, Link]) -> None:
    one, other = ends
    other.close()
    with pytest.raises(LinkClosed):
        one.send({"anybody": "there"})
