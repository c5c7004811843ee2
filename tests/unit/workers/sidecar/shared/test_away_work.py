"""The page names all that is put away, whoever does it, and since when the oldest is; all time with work is counted."""

from __future__ import annotations

import pytest

from workers.sidecar.shared import away_work
from workers.sidecar.shared.away_work import AwayWork
from workers.wire.page import Page, Stage


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, in its one item."""
    now = [100.0]
    monkeypatch.setattr(away_work, "monotonic", lambda: now[0])
    return now


def named(page: Page) -> list[int]:
    """The batches that the page names, of the first ten."""
    return [number for number in range(10) if page.stage(Stage.AWAY).works_on(number)]


def test_works_that_overlap_are_all_named_and_the_oldest_says_since_when(clock: list[float]) -> None:
    page = Page()
    works = AwayWork(page)
    with works.on([3]):
        clock[0] = 101.0
        with works.on([5, 6]):
            assert (named(page), page.stage(Stage.AWAY).since) == ([3, 4, 5, 6], 100.0)
            clock[0] = 102.0
        assert (named(page), page.stage(Stage.AWAY).since) == ([3], 100.0)
        clock[0] = 103.0
    assert (named(page), page.stage(Stage.AWAY).since) == ([], None)
    assert page.stage(Stage.AWAY).total_s == 3.0


def test_time_is_counted_once_where_one_work_begins_before_another_has_ended(clock: list[float]) -> None:
    page = Page()
    works = AwayWork(page)
    first, second = works.on([1]), works.on([2])
    first.__enter__()
    clock[0] = 102.0
    second.__enter__()
    clock[0] = 103.0
    first.__exit__(None, None, None)
    assert (named(page), page.stage(Stage.AWAY).since) == ([2], 102.0)
    clock[0] = 107.0
    second.__exit__(None, None, None)
    assert page.stage(Stage.AWAY).total_s == 7.0


def test_a_work_that_fails_ends_the_process_so_it_is_named_for_good(clock: list[float]) -> None:
    page = Page()
    with pytest.raises(KeyboardInterrupt), AwayWork(page).on([1]):
        raise KeyboardInterrupt
    assert named(page) == [1]
