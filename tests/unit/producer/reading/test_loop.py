"""Readings are stepped until the last has ended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import pytest

from producer.reading import loop
from producer.reading.chapter_row import ChapterRow
from producer.reading.loop import Display
from producer.reading.reading import Reading
from tasks.errors import BrokerUnavailable, SlotlineError


class Steps:
    """A reading that answers each step with the next of these."""

    def __init__(self, *steps: list[ChapterRow] | Exception) -> None:
        self._steps = list(steps)
        self.ended = False

    def step(self, now_s: float) -> list[ChapterRow]:
        step = self._steps.pop(0)
        self.ended = not self._steps
        if isinstance(step, Exception):
            raise step
        return step


class Notes:
    """A display that keeps what it was shown."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.updates = 0

    def note(self, line: str) -> None:
        self.lines.append(line)

    def ended(self, reading: Reading, row: ChapterRow) -> None:
        self.lines.append(f"ended: {row.title}")

    def update(self, readings: Sequence[Reading], now_s: float) -> None:
        self.updates += 1


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "LOOK_EVERY_S", 0.0)


def run(notes: Notes, *readings: Steps, **options: Any) -> None:
    loop.run(cast("list[Reading]", list(readings)), cast(Display, notes), **options)


def test_each_reading_goes_on_until_its_own_end() -> None:
    notes = Notes()
    run(notes, Steps([ChapterRow(1, "A", 1)]), Steps([], [], [ChapterRow(1, "B", 1)]))
    assert notes.lines == ["ended: A", "ended: B"]
    assert notes.updates == 3


def test_a_broker_that_comes_back_is_waited_for_and_named_once() -> None:
    notes = Notes()
    run(notes, Steps(BrokerUnavailable("no Redis"), BrokerUnavailable("no Redis"), [ChapterRow(1, "A", 1)]))
    assert notes.lines == ["no Redis; waiting for it", "ended: A"]


def test_a_broker_that_stays_away_ends_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "PATIENCE_S", -1.0)
    with pytest.raises(BrokerUnavailable):
        run(Notes(), Steps(BrokerUnavailable("no Redis"), BrokerUnavailable("no Redis"), []))


def test_a_check_that_fails_ends_the_wait() -> None:
    def check() -> None:
        raise SlotlineError("the local stack has ended")

    with pytest.raises(SlotlineError, match="the local stack has ended"):
        run(Notes(), Steps([], []), check=check)
