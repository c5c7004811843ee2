"""Runs on their way to the child: in order, as far as there is room, and each begun or recalled."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.workers.sidecar.sidecars import run_of
from workers.sidecar.shared.held import HeldBatch, HeldRun
from workers.sidecar.shared.outbox import ROOM_BYTES, Outbox
from workers.wire.work_line import LoadVariant, ModelEnd, Run, SidecarEnd, work_line

BATCH = HeldBatch(1, [])


@pytest.fixture
def ends() -> Iterator[tuple[SidecarEnd, ModelEnd]]:
    found = work_line()
    yield found
    for end in found:
        end.close()


def runs(outbox: Outbox, count: int, size: int = 10) -> list[HeldRun]:
    made = [run_of(BATCH, outbox.number(), size=size) for _ in range(count)]
    outbox.send(made)
    return made


def number_of(child: ModelEnd) -> int:
    given = child.next()
    assert isinstance(given, Run)
    return given.number


def test_runs_and_questions_arrive_in_order_and_an_answer_names_its_run(ends: tuple[SidecarEnd, ModelEnd]) -> None:
    line, child = ends
    outbox = Outbox(line)
    one, two = runs(outbox, 2)
    assert outbox.load("anna") == 3
    assert [number_of(child), number_of(child), child.next()] == [1, 2, LoadVariant(3, "anna")]
    assert [outbox.ended(number) for number in (1, 2, 3, 4)] == [one, two, None, None]


def test_what_the_child_has_not_begun_comes_back_and_it_never_begins_it(ends: tuple[SidecarEnd, ModelEnd]) -> None:
    line, child = ends
    outbox = Outbox(line)
    one, two, three = runs(outbox, 3)
    assert number_of(child) == 1
    assert outbox.recall() == [two, three]
    assert outbox.recall() == []
    (four,) = runs(outbox, 1)
    assert number_of(child) == 4
    assert [outbox.ended(1), outbox.ended(4)] == [one, four]


def test_what_has_no_room_waits_here_and_is_recalled_without_the_child(ends: tuple[SidecarEnd, ModelEnd]) -> None:
    line, child = ends
    outbox = Outbox(line)
    _, two, three = runs(outbox, 3, size=ROOM_BYTES * 2 // 3)
    assert number_of(child) == 1
    assert outbox.recall() == [two, three]
    outbox.send([two])
    outbox.ended(1)
    assert number_of(child) == 2


def test_when_the_child_has_died_all_that_it_has_not_answered_is_left(ends: tuple[SidecarEnd, ModelEnd]) -> None:
    line, child = ends
    outbox = Outbox(line)
    one, two, three = runs(outbox, 3, size=ROOM_BYTES * 2 // 3)
    assert number_of(child) == 1
    assert outbox.ended(1) is one
    assert outbox.close() == [two, three]
    runs(outbox, 1)
