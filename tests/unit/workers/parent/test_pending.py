"""What waits for a slot's model: what goes together, and how long the first waits for others."""

from __future__ import annotations

from typing import Any

from celery.exceptions import Reject
from celery.worker.request import Request
from hypothesis import given
from hypothesis import strategies as st
from redis.exceptions import ReadOnlyError

from workers.parent.pending import BatchSizes, Pending
from workers.parent.slot_request import SlotRequest
from workers.wire.call import Call


def request(name: str, alone: bool = False) -> SlotRequest:
    def ignore(*args: Any) -> None: ...

    made = SlotRequest(Call("task", name, {}, b"", "", ""), ignore, ignore, ignore, None, ignore)
    made.runs_alone = alone
    return made


def names(requests: list[SlotRequest]) -> str:
    return "".join(one.call.task_id for one in requests)


def pending(letters: str, size: int = 4, delay_s: float = 0.0) -> Pending:
    """Small letters may share a batch, capital ones are to be alone; one came each second."""
    made = Pending(size, delay_s)
    for second, letter in enumerate(letters):
        made.join(request(letter, letter.isupper()), float(second))
    return made


def batches(waiting: Pending, size: int = 4) -> list[str]:
    found = []
    while waiting:
        found.append(names(waiting.next_batch(size)))
    return found


def test_as_many_as_may_go_together_in_order() -> None:
    assert batches(pending("abcdefghi")) == ["abcd", "efgh", "i"]


def test_who_is_to_be_alone_goes_by_itself_where_it_stands() -> None:
    assert batches(pending("ABcdEfghijk")) == ["A", "B", "cd", "E", "fghi", "jk"]


@given(st.text("abAB", max_size=30), st.integers(1, 6))
def test_nobody_is_lost_doubled_or_overtaken(letters: str, size: int) -> None:
    found = batches(pending(letters, size), size)
    assert "".join(found) == letters
    assert all(len(batch) <= (1 if batch[0].isupper() else size) for batch in found)


class Expired(Request):
    """Whose end Celery cannot record, because Redis refuses it."""

    def __init__(self) -> None: ...

    def revoked(self) -> bool:
        raise ReadOnlyError("You can't write against a read only replica.")


def test_one_whose_expiry_cannot_be_recorded_goes_back_and_takes_nobody_along() -> None:
    waiting, expired = pending("abc"), request("x")
    heard: list[Any] = []
    expired.accept_callback = Expired().on_accepted
    expired.error_callback = heard.append
    waiting.put_back([waiting._requests.popleft(), expired])
    assert batches(waiting) == ["abc"]
    assert [(type(einfo.exception.exc), einfo.exception.exc.requeue) for einfo in heard] == [(Reject, True)]


def test_who_is_put_back_is_next_and_in_order() -> None:
    waiting = pending("cd")
    waiting.put_back([request("A", True), request("B", True)])
    assert batches(waiting) == ["A", "B", "cd"]


def test_the_first_waits_for_company_until_the_batch_is_full_or_it_has_waited_enough() -> None:
    assert pending("abc", delay_s=5.0).wait_s(now=2.0) == 3.0
    assert pending("abc", delay_s=5.0).wait_s(now=5.5) == 0.0
    assert pending("abcd", delay_s=5.0).wait_s(now=3.0) == 0.0
    assert pending("Abc", delay_s=5.0).wait_s(now=2.0) == 0.0, "it runs alone"
    assert pending("abc").wait_s(now=0.0) == 0.0
    assert pending("", delay_s=5.0).wait_s(now=0.0) == 0.0


def test_the_sizes_of_batches_are_counted() -> None:
    sizes = BatchSizes()
    assert sizes.mean == 0.0
    for size in (1, 8, 3):
        sizes.count(size, 8)
    assert (sizes.largest, sizes.last, sizes.batches, sizes.mean) == (8, 3, 3, 4.0)
    sizes.count(0, 8)
    assert sizes.batches == 3


def test_a_hand_over_of_more_than_the_model_computes_at_once_is_several_batches() -> None:
    sizes = BatchSizes()
    sizes.count(9, 4)
    assert (sizes.largest, sizes.last, sizes.batches, sizes.mean) == (4, 1, 3, 3.0)


def test_what_waits_is_full_when_it_fills_a_batch_or_its_first_runs_alone() -> None:
    assert not pending("abc").is_full
    assert pending("abcd").is_full
    assert (pending("Abc").is_full, pending("Abc").runs_alone) == (True, True)
    assert not pending("").runs_alone
