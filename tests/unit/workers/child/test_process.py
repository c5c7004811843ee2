"""What a child counts, and whose calls it knows to be cancelled."""

from __future__ import annotations

from workers.child.process import Cancelled, Counts


def test_runs_and_the_calls_that_they_computed_are_counted() -> None:
    counts = Counts()
    counts.add(2, 1)
    counts.add(1, 0)
    assert counts == Counts(batches=2, jobs=3, failures=1, last_batch=1, largest_batch=2)


def test_marks_belong_to_a_batch_and_go_with_it() -> None:
    cancelled = Cancelled()
    cancelled.add(1, [0])
    cancelled.add(2, [3])
    cancelled.add(2, [4])
    assert [cancelled.of(number) for number in (1, 2, 3)] == [frozenset({0}), frozenset({3, 4}), frozenset()]
    cancelled.forget_before(2)
    assert [cancelled.of(number) for number in (1, 2)] == [frozenset(), frozenset({3, 4})]
