"""What is counted from a journal and a log of strikes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.chaos.journal import Journal, Run, Strike, figures, percentile


def strike(kind: str, at_s: float, pid: int, until_s: float | None = None) -> Strike:
    return Strike(kind, at_s, frozenset({pid}), until_s)


def test_a_part_that_a_kill_interrupted_counts_until_another_process_begins_it() -> None:
    runs = [Run("a", 1, 0.0, died_s=1.02), Run("a", 2, 4.0, ended_s=5.0), Run("b", 1, 0.0, ended_s=0.5)]
    counted = figures(runs, [strike("child", 1.0, 1)], [])
    assert (counted.begun, counted.interrupted, counted.computed_again) == (3, 1, 0)
    (recovery,) = counted.recoveries
    assert (recovery.kind, recovery.seconds, recovery.redis_away) == ("child", 3.0, False)
    assert counted.overlaps == []


def test_a_recovery_in_which_redis_was_away_is_told_apart() -> None:
    runs = [Run("a", 1, 0.0, died_s=1.02), Run("a", 2, 9.0, ended_s=10.0)]
    (recovery,) = figures(runs, [strike("parent", 1.0, 1)], [(2.0, 3.0)]).recoveries
    assert recovery.redis_away


def test_a_text_that_two_processes_compute_at_once_is_an_overlap_as_long_as_both_do() -> None:
    runs = [Run("a", 1, 0.0, ended_s=3.0), Run("a", 2, 2.0, ended_s=4.0)]
    counted = figures(runs, [], [])
    assert counted.computed_again == 1
    assert [one.seconds for one in counted.overlaps] == [1.0]


def test_the_time_that_a_process_was_frozen_is_no_overlap_and_the_time_after_it_is() -> None:
    frozen = strike("freeze", 1.0, 1, until_s=6.0)
    successor = Run("a", 2, 5.0, ended_s=7.0)
    killed_on_waking = figures([Run("a", 1, 0.0, died_s=6.0), successor], [frozen], [])
    assert killed_on_waking.overlaps == []
    went_on = figures([Run("a", 1, 0.0, ended_s=6.5), successor], [frozen], [])
    assert [one.seconds for one in went_on.overlaps] == [pytest.approx(0.5)]
    assert [one.seconds for one in went_on.recoveries] == [4.0]


def test_who_was_not_heard_has_recovered_when_it_begins_what_it_had_not_made_ready() -> None:
    runs = [Run("a", 1, 0.0, ended_s=1.1), Run("b", 1, 1.1, ended_s=1.2), Run("c", 2, 2.0), Run("d", 1, 4.0)]
    (recovery,) = figures(runs, [strike("swallow", 1.0, 1)], []).recoveries
    assert (recovery.kind, recovery.seconds, recovery.redis_away) == ("swallow", 3.0, False)
    twice = figures(runs, [strike("swallow", 1.0, 1), strike("swallow", 3.0, 1)], [])
    assert [one.seconds for one in twice.recoveries] == [1.0]


def test_a_journal_is_read_line_by_whole_line_while_it_grows(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    journal = Journal(path)
    journal.read()
    lines = [
        json.dumps({"what": what, "pid": 7, "ns": ns, "text": "a"}) for what, ns in (("began", 1e9), ("ended", 2e9))
    ]
    path.write_text(lines[0] + "\n" + lines[1][:10])
    journal.read()
    assert [(run.began_s, run.ended_s) for run in journal.open_runs] == [(1.0, None)]
    path.write_text("\n".join(lines) + "\n")
    journal.read()
    assert journal.open_runs == []
    assert [(run.began_s, run.ended_s) for run in journal.runs] == [(1.0, 2.0)]


@pytest.mark.parametrize(("share", "value"), [(0.5, 2.0), (0.99, 4.0), (1.0, 4.0), (0.25, 1.0)])
def test_a_percentile_is_a_value_that_was_seen(share: float, value: float) -> None:
    assert percentile([4.0, 1.0, 3.0, 2.0], share) == value
    assert percentile([], share) == 0.0
