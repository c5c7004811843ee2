"""The order in which backgrounds are shown, and what of it is read ahead."""

from __future__ import annotations

import pytest

from workers.adapters.lipsync.frames.showing import MOST_ROWS, Row, ahead, background_at, backgrounds, following


def shown_by_steps(count: int, frames: int) -> list[int]:
    """The order as a player has it that takes a step and turns at the ends, as the faces' own program does."""
    order, at, step = [], 0, 0
    for _ in range(frames):
        step = -1 if at > count - 2 else step
        step = 1 if at < 1 else step
        at += step
        order.append(at)
    return order


@pytest.mark.parametrize("count", [2, 3, 5, 30, 523])
def test_backgrounds_run_forwards_and_backwards_and_begin_with_the_second(count: int) -> None:
    assert backgrounds(0, 2000, count) == shown_by_steps(count, 2000)


def test_the_order_of_four_is_written_out() -> None:
    assert backgrounds(0, 10, 4) == [1, 2, 3, 2, 1, 0, 1, 2, 3, 2]
    assert backgrounds(3, 3, 4) == [2, 1, 0]
    assert backgrounds(10**9, 1, 4) == [background_at(10**9 % 6, 4)]


def test_one_background_is_shown_all_the_time() -> None:
    assert backgrounds(7, 3, 1) == [0, 0, 0]


def walk(*stretches: tuple[int, int | None]) -> list[Row]:
    rows: list[Row] = []
    for first, until in stretches:
        _, rows = following(rows, first, 25, until)
    return rows


def test_stretches_that_follow_each_other_are_read_on_until_the_film_ends() -> None:
    [row] = walk((0, 130), (25, 130))
    assert ahead(row, 60) == range(50, 110)
    [row] = walk((0, 130), (25, 130), (50, 130))
    assert ahead(row, 60) == range(75, 130)
    assert not row.is_whole
    [row] = walk((105, 130))
    assert len(ahead(row, 60)) == 0
    assert row.is_whole


def test_without_an_end_they_are_read_on_and_on() -> None:
    [row] = walk((0, None), (25, None))
    assert ahead(row, 60) == range(50, 110)


def test_of_a_film_that_slots_share_the_next_stretch_is_read_once_the_step_is_sure() -> None:
    [row] = walk((0, 999), (75, 999))
    assert len(ahead(row, 60)) == 0
    [row] = walk((0, 999), (75, 999), (150, 999))
    assert ahead(row, 60) == range(225, 250)
    [row] = walk((0, 999), (75, 999), (150, 999), (250, 999))
    assert len(ahead(row, 60)) == 0


def test_films_that_are_made_at_the_same_time_are_told_apart() -> None:
    rows = walk((0, 100), (0, 900), (25, 900), (25, 100), (50, 900))
    assert [(row.until, row.first) for row in rows] == [(100, 25), (900, 50)]
    assert all(row.is_steady for row in rows)


def test_two_films_of_one_length_are_followed_at_two_places() -> None:
    rows = walk((0, 900), (25, 900), (50, 900), (0, 900), (75, 900), (25, 900))
    assert [row.first for row in rows] == [75, 25]
    assert [ahead(row, 25) for row in rows] == [range(100, 125), range(50, 75)]


def test_the_same_stretch_again_changes_nothing() -> None:
    assert walk((0, 900), (25, 900), (25, 900)) == walk((0, 900), (25, 900))


def test_only_the_latest_rows_are_kept() -> None:
    rows = walk(*((0, until) for until in range(100, 150)))
    assert [row.until for row in rows] == list(range(150 - MOST_ROWS, 150))
