"""What a person sees while one job is followed."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from producer.display.job_bar import JobBar
from producer.job import Progress
from tasks.pauses import Pause


def test_where_nothing_can_move_the_first_progress_is_one_line() -> None:
    out = io.StringIO()
    with JobBar(Console(file=out, width=200), "some-id") as bar:
        bar.update(Progress("PROGRESS", total=4, done=1, failed=1))
        bar.update(Progress("PROGRESS", total=4, done=2, failed=1))
    assert out.getvalue() == "2/4 parts, 1 failed, – left\n"


def test_a_pause_and_its_end_are_a_line_each() -> None:
    out, pause = io.StringIO(), Pause("espeak", 0.0, "me@here")
    with JobBar(Console(file=out, width=200), "some-id") as bar:
        for now in (None, pause, pause, None):
            bar.update(Progress("PROGRESS", total=4, done=1, pause=now))
    assert out.getvalue().splitlines()[1:] == [
        "espeak is paused by me@here; this waits until: slotline resume espeak",
        "espeak is resumed",
    ]


def test_a_job_that_is_not_open_yet_shows_its_state() -> None:
    out = io.StringIO()
    with JobBar(Console(file=out, width=200), "some-id") as bar:
        bar.update(Progress("PENDING"))
    assert out.getvalue() == "PENDING\n"


def test_on_a_terminal_it_is_a_bar_with_the_job_and_its_parts() -> None:
    out = io.StringIO()
    with JobBar(Console(file=out, width=200, force_terminal=True, color_system=None), "some-id") as bar:
        bar.update(Progress("PROGRESS", total=4, done=3))
    assert "some-id" in out.getvalue()
    assert "3/4 parts" in out.getvalue()


def test_the_time_left_is_the_estimates_asked_once_a_second_and_else_that_of_its_own_pace(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = iter([100.0, 100.5, 106.0, 112.0])
    monkeypatch.setattr("producer.display.job_bar.time.monotonic", lambda: next(clock))
    said = iter([75.0, None, 8.0])
    out = io.StringIO()
    with JobBar(Console(file=out, width=200), "some-id", lambda: next(said)) as bar:
        for done in (0, 1, 2, 3):
            bar.update(Progress("PROGRESS", total=4, done=done, computed=done))
    assert out.getvalue().splitlines() == ["0/4 parts, 1:15 min left", "2/4 parts, 6 s left", "3/4 parts, 8 s left"]


def test_another_stage_of_a_job_has_its_own_name_and_pace() -> None:
    out = io.StringIO()
    with JobBar(Console(file=out, width=200, force_terminal=True, color_system=None), "film") as bar:
        bar.begin("film: speech")
        bar.update(Progress("PROGRESS", total=4, done=3, computed=3))
        bar.begin("film: film")
        bar.update(Progress("PROGRESS", total=9, done=1))
    assert "film: film" in out.getvalue()
    assert "1/9 parts, – left" in out.getvalue()
