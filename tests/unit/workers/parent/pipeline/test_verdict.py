"""What had happened to a request whose sidecar died without a word about it."""

from __future__ import annotations

from workers.parent.pipeline.verdict import LastSeen, Verdict
from workers.wire.page import Page, Stage


def seen() -> LastSeen:
    """Batch 1 is put away, of batch 2 the calls 0 and 1 are computed, batch 3 is made ready."""
    page = Page()
    page.enter(Stage.AWAY, 1, 10.0)
    page.begin_run(7, 2, [0, 1], 10.0)
    page.enter(Stage.READY, 3, 10.0)
    return LastSeen.of(page)


def test_what_is_put_away_stays_counted_and_what_is_made_ready_may_have_been_at_fault() -> None:
    for child_died_first in (True, False):
        assert seen().verdict(1, 0, child_died_first=child_died_first) is Verdict.AWAY
        assert seen().verdict(3, 0, child_died_first=child_died_first) is Verdict.READY


def test_what_is_computed_is_at_fault_only_if_its_child_died_by_itself() -> None:
    assert seen().verdict(2, 1, child_died_first=True) is Verdict.COMPUTED
    assert seen().verdict(2, 1, child_died_first=False) is Verdict.INNOCENT


def test_all_others_are_innocent() -> None:
    assert seen().verdict(2, 2, child_died_first=True) is Verdict.INNOCENT
    assert seen().verdict(4, 0, child_died_first=True) is Verdict.INNOCENT


def test_the_run_comes_before_the_stages_of_its_batch() -> None:
    page = Page()
    page.enter(Stage.AWAY, 2, 10.0)
    page.begin_run(7, 2, [5], 11.0)
    found = LastSeen.of(page)
    assert found.verdict(2, 5, child_died_first=True) is Verdict.COMPUTED
    assert found.verdict(2, 0, child_died_first=True) is Verdict.AWAY


def test_on_an_empty_page_nobody_is_at_fault() -> None:
    assert LastSeen.of(Page()).verdict(1, 0, child_died_first=True) is Verdict.INNOCENT


def test_whose_results_ended_the_sidecar_that_read_them_stays_counted() -> None:
    page = Page()
    page.begin_run(8, 3, [0], 12.0)
    page.reads(2, [0])
    assert LastSeen.of(page).verdict(2, 0, child_died_first=False) is Verdict.AWAY
    assert LastSeen.of(page).verdict(2, 1, child_died_first=False) is Verdict.INNOCENT, "its run was not read"
    assert LastSeen.of(page).verdict(3, 0, child_died_first=False) is Verdict.INNOCENT
    page.reads(0)
    assert LastSeen.of(page).verdict(2, 0, child_died_first=False) is Verdict.INNOCENT
