"""The page: what one process writes, the others read, also after it was killed."""

from __future__ import annotations

import os
import signal

from tasks.catalog import ModelEntry
from workers.wire.page import MOST_CALLS, Page, Running, Stage


def test_nothing_runs_on_a_new_page() -> None:
    page = Page()
    assert page.running() is None
    assert (page.last_batch, page.sidecar_pid, page.computing_s, page.waiting_s) == (0, 0, 0.0, 0.0)


def test_a_run_is_read_whole_until_it_ends() -> None:
    page = Page()
    page.begin_run(7, 3, [0, 4], 10.0)
    assert page.running() == Running(7, 3, frozenset({0, 4}), 10.0)
    page.end_run(12.5)
    assert page.running() is None
    assert (page.last_batch, page.computing_s) == (3, 2.5)


def test_a_run_that_was_killed_stays_on_the_page() -> None:
    page = Page()
    if not (child := os.fork()):
        page.begin_run(1, 1, [0], 5.0)
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    assert page.running() == Running(1, 1, frozenset({0}), 5.0)


def test_a_process_that_died_while_it_wrote_had_not_begun() -> None:
    page = Page()
    page._memory[8] = 1  # the version is odd
    assert page.running() is None


def test_no_more_calls_are_noted_than_fit() -> None:
    page = Page()
    page.begin_run(1, 1, range(5000), 1.0)
    found = page.running()
    assert found is not None
    assert len(found.calls) == MOST_CALLS


def test_of_the_largest_batch_that_a_catalog_may_have_all_calls_are_noted() -> None:
    largest = next(one.le for one in ModelEntry.model_fields["batch_size"].metadata if hasattr(one, "le"))
    assert largest == MOST_CALLS
    page = Page()
    page.begin_run(1, 1, range(MOST_CALLS), 1.0)
    page.enter(Stage.AWAY, 2, 3.0)
    found = page.running()
    assert found is not None
    assert found.calls == frozenset(range(MOST_CALLS))


def test_what_was_not_begun_takes_no_time() -> None:
    page = Page()
    page.end_run(1000.0)
    page.leave(Stage.READY, 1000.0)
    assert (page.computing_s, page.stage(Stage.READY).total_s) == (0.0, 0.0)


def test_a_stage_says_what_it_works_on_and_counts_its_seconds() -> None:
    page = Page()
    page.enter(Stage.AWAY, 4, 10.0)
    assert (page.stage(Stage.AWAY).batch, page.stage(Stage.AWAY).since) == (4, 10.0)
    assert page.stage(Stage.READY).since is None
    page.leave(Stage.AWAY, 11.5)
    assert (page.stage(Stage.AWAY).since, page.stage(Stage.AWAY).total_s) == (None, 1.5)


def test_the_child_counts_how_long_it_had_nothing_to_compute() -> None:
    page = Page()
    page.waited(0.5)
    page.waited(0.25)
    page.sidecar_began(42)
    assert (page.waiting_s, page.sidecar_pid) == (0.75, 42)
