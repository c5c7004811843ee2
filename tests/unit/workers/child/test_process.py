"""What a child counts, and what its parent hears of its model."""

from __future__ import annotations

from tests.unit.workers.child.rehearsals import OneRehearsal, child_with
from workers.child.process import Counts
from workers.sidecar.stages.work import Ran
from workers.wire.call import RunAlone
from workers.wire.link import pair
from workers.wire.messages import BatchRan


def test_what_was_handed_back_to_be_run_alone_is_not_counted() -> None:
    counts = Counts()
    counts.add([(0, None, 0.1), RunAlone(), (1, None, 0.1)])
    counts.add([RunAlone()])
    assert counts == Counts(batches=1, jobs=2, failures=1, last_batch=2, largest_batch=2)
    counts.add([(0, None, 0.1)])
    assert counts == Counts(batches=2, jobs=3, failures=1, last_batch=1, largest_batch=2)


def test_the_parent_hears_of_each_failure_and_of_the_first_success_after_it() -> None:
    parents_end, childs_end = pair()
    child = child_with(OneRehearsal(), childs_end)
    ok, bad = Ran((), worked=True), Ran(("a-task",), worked=False)
    for ran in (ok, ok, bad, bad, Ran(), ok, ok):
        child.report(ran)
    good, failed = BatchRan((), worked=True), BatchRan(("a-task",), worked=False)
    assert parents_end.pending(1.0) == [good, failed, failed, good]
    parents_end.close()
    childs_end.close()
