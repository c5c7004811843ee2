"""The line before a slot's model: who goes together, and who waits for company."""

from __future__ import annotations

from typing import Any

from celery.exceptions import Reject
from celery.worker.request import Request
from hypothesis import given
from hypothesis import strategies as st
from redis.exceptions import ReadOnlyError

from workers.parent.pending import BatchSizes, Line
from workers.parent.requests import Member
from workers.wire.call import Call


def member(name: str, alone: bool = False) -> Member:
    def ignore(*args: Any) -> None: ...

    made = Member(Call("task", name, {}, b"", "", ""), ignore, ignore, ignore, None, ignore)
    made.alone = alone
    return made


def names(members: list[Member]) -> str:
    return "".join(one.call.task_id for one in members)


def line(letters: str, size: int = 4, delay_s: float = 0.0) -> Line:
    """Small letters may share a batch, capital ones are to be alone; one came each second."""
    made = Line(size, delay_s)
    for second, letter in enumerate(letters):
        made.join(member(letter, letter.isupper()), float(second))
    return made


def batches(waiting: Line) -> list[str]:
    found = []
    while waiting:
        found.append(names(waiting.next_batch()))
    return found


def test_as_many_as_may_go_together_in_order() -> None:
    assert batches(line("abcdefghi")) == ["abcd", "efgh", "i"]


def test_who_is_to_be_alone_goes_by_itself_where_it_stands() -> None:
    assert batches(line("ABcdEfghijk")) == ["A", "B", "cd", "E", "fghi", "jk"]


@given(st.text("abAB", max_size=30), st.integers(1, 6))
def test_nobody_is_lost_doubled_or_overtaken(letters: str, size: int) -> None:
    found = batches(line(letters, size))
    assert "".join(found) == letters
    assert all(len(batch) <= (1 if batch[0].isupper() else size) for batch in found)


class Expired(Request):
    """Whose end Celery cannot record, because Redis refuses it."""

    def __init__(self) -> None: ...

    def revoked(self) -> bool:
        raise ReadOnlyError("You can't write against a read only replica.")


def test_one_whose_expiry_cannot_be_recorded_goes_back_and_takes_nobody_along() -> None:
    waiting, expired = line("abc"), member("x")
    told: list[Any] = []
    expired.accept_callback = Expired().on_accepted
    expired.error_callback = told.append
    waiting.put_back([waiting._members.popleft(), expired])
    assert batches(waiting) == ["abc"]
    assert [(type(einfo.exception.exc), einfo.exception.exc.requeue) for einfo in told] == [(Reject, True)]


def test_who_is_put_back_is_next_and_in_order() -> None:
    waiting = line("cd")
    waiting.put_back([member("A", True), member("B", True)])
    assert batches(waiting) == ["A", "B", "cd"]


def test_the_first_waits_for_company_until_the_batch_is_full_or_it_has_waited_enough() -> None:
    assert line("abc", delay_s=5.0).wait_s(now=2.0) == 3.0
    assert line("abc", delay_s=5.0).wait_s(now=5.5) == 0.0
    assert line("abcd", delay_s=5.0).wait_s(now=3.0) == 0.0
    assert line("Abc", delay_s=5.0).wait_s(now=2.0) == 0.0, "it wants no company"
    assert line("abc").wait_s(now=0.0) == 0.0
    assert line("", delay_s=5.0).wait_s(now=0.0) == 0.0


def test_the_sizes_of_batches_are_counted() -> None:
    sizes = BatchSizes()
    assert sizes.mean == 0.0
    for size in (1, 8, 3):
        sizes.count(size)
    assert (sizes.largest, sizes.last, sizes.batches, sizes.mean) == (8, 3, 3, 4.0)
