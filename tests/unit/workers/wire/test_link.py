"""The line between a slot worker's parent and its child."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from workers.wire.link import ChildEnd, Link, ParentEnd, pair
from workers.wire.messages import FROM_PARENT, AskStatus, CancelRequests, FromParent, encode
from workers.wire.socket_end import LinkClosed

Ends = tuple[ParentEnd, ChildEnd]


@pytest.fixture
def ends() -> Iterator[Ends]:
    """A pair whose ends are closed after the test."""
    parents, childs = pair()
    yield parents, childs
    parents.close()
    childs.close()


def test_messages_arrive_whole_and_in_order_however_long(ends: Ends) -> None:
    one, other = ends
    messages: list[FromParent] = [AskStatus(1), CancelRequests(1, tuple(range(300_000))), AskStatus(3)]

    def speak() -> None:
        for message in messages:
            one.send(message)

    sender = threading.Thread(target=speak)
    sender.start()
    found: list[FromParent] = []
    while len(found) < 3:
        found += other.pending(5.0)
    sender.join()
    assert found == messages


def test_a_child_that_does_not_read_holds_its_parent_up_for_a_moment_only(ends: Ends) -> None:
    one, _ = ends
    with pytest.raises(LinkClosed):
        one.send(CancelRequests(1, tuple(range(3_000_000))))


def test_looking_without_waiting_gives_nothing_when_nothing_came(ends: Ends) -> None:
    _, other = ends
    assert other.pending() == []


def test_what_was_said_before_hanging_up_is_still_heard(ends: Ends) -> None:
    one, other = ends
    one.send(AskStatus(1))
    one.close()
    assert other.pending() == [AskStatus(1)]
    with pytest.raises(LinkClosed):
        other.pending()
    assert list(other.messages()) == []


def test_speaking_to_nobody_is_an_error_of_its_own(ends: Ends) -> None:
    one, other = ends
    other.close()
    with pytest.raises(LinkClosed):
        one.send(AskStatus(1))


def test_a_line_that_cannot_be_read_is_named_in_the_log_and_costs_no_other_message(
    caplog: pytest.LogCaptureFixture,
) -> None:
    raw, childs = socket.socketpair()
    other: ChildEnd = Link(childs, FROM_PARENT)
    raw.sendall(b'{"type": "Dance"}\nnonsense\n{"type": "AskStatus"}\n' + encode(AskStatus(7)))
    assert other.pending(5.0) == [AskStatus(7)]
    dropped = [record.getMessage() for record in caplog.records]
    assert ["Dance" in dropped[0], "nonsense" in dropped[1], "AskStatus: number" in dropped[2]] == [True] * 3
    raw.close()
    other.close()
