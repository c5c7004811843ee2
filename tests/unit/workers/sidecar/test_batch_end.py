"""How the calls of a batch end that end together: gathered from all sides, one answer each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tasks.errors import ModelError
from tasks.flow.ledger import Ledger
from tasks.flow.outcomes import Dropped, Failed
from tests.unit.workers.child.rehearsals import OneRehearsal, call, entry
from tests.unit.workers.sidecar.in_one_process import known
from tests.unit.workers.sidecar.sidecars import run_of
from workers.adapters.base import Cancelled
from workers.sidecar.batch_end import BatchEnd
from workers.sidecar.shared.done import LostRun, NoRun, NotBegunCalls, Refused, RunCame, RunStored
from workers.sidecar.shared.held import HeldBatch
from workers.sidecar.stages.make_ready import make_ready, take
from workers.sidecar.stages.put_away import store_all
from workers.sidecar.stages.work import Ran
from workers.wire.call import GivenBack, Lost, NotBegun, RunAlone
from workers.wire.work_line import RunEnded


class SomeWork:
    """Work for these calls, as far as it is not computed."""

    part = "a text"

    def __init__(self, *calls: int) -> None:
        self.calls = calls


def test_every_way_to_end_has_its_answer() -> None:
    batch = HeldBatch(1, [call(str(number)) for number in range(8)])
    end = BatchEnd(batch)
    end.add(NoRun(batch, Ran(alone=frozenset({0}), returned=frozenset({1}), outcomes={2: Dropped()}), [3]))
    end.add(NotBegunCalls(batch, [4]))
    recalled = run_of(batch, 1, SomeWork(5))
    end.add(NotBegunCalls(batch, run=recalled))
    end.add(LostRun(run_of(batch, 2, SomeWork(6)), "SystemExit(7)"))
    end.add(Refused(batch, [7], OSError("away")))
    assert end.answers() == {
        **{0: RunAlone(), 1: GivenBack(), 4: NotBegun(), 5: NotBegun()},
        6: Lost("SystemExit(7)"),
    }
    assert (end.others, [index for indices, _ in end.refused for index in indices]) == ({3}, [7])
    assert end.not_begun == list(recalled.work)
    end.results[2] = (0, None, 0.1)
    assert end.answers()[2] == (0, None, 0.1)


def test_the_results_of_a_run_are_stored_and_its_seconds_are_the_batchs(ledger: Ledger, models: OneRehearsal) -> None:
    calls = [call("good"), call("bad")]
    requests = take(ledger, entry(), calls, has_company=True).by_variant[None]
    work = make_ready(ledger, known(models), requests, has_company=True).work
    batch = HeldBatch(1, calls)
    end, came = BatchEnd(batch), came_of(batch, work)
    end.add(came)
    assert [one.work for one in end.came] == list(work)
    end.stored(store_all(end.came))
    early = BatchEnd(batch)
    early.add(RunStored(came, store_all(came.computed())))
    assert early.came == [], "nothing is left to store"
    for one in (end, early):
        assert [type(outcome) for outcome in one.ran.outcomes.values()] == [Failed, Failed]
        assert (one.computed_s, one.computed) == (0.5, 2)


def came_of(batch: HeldBatch, work: Sequence[Any]) -> RunCame:
    """A run of this work, whose results are errors."""
    return RunCame(run_of(batch, 1, *work), RunEnded(1, [ModelError("no")] * len(work), 0.5), 0.0)


def test_a_run_that_computed_nothing_says_nothing_of_how_long_a_job_takes(ledger: Ledger, models: OneRehearsal) -> None:
    calls = [call("a")]
    requests = take(ledger, entry(), calls, has_company=True).by_variant[None]
    work = make_ready(ledger, known(models), requests, has_company=True).work
    batch = HeldBatch(1, calls)
    end = BatchEnd(batch)
    end.add(RunCame(run_of(batch, 1, *work), RunEnded(1, [Cancelled()], 0.0), 0.0))
    assert (end.computed_s, end.computed) == (0.0, 0)
