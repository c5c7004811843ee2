"""Which work of a batch runs together: what is alike, in pieces, the first call's first."""

from __future__ import annotations

from collections.abc import Sequence

from tasks.flow.ledger import Ledger
from tests.unit.workers.child.rehearsals import OneRehearsal, call, entry
from tests.unit.workers.sidecar.in_one_process import known
from workers.sidecar.stages.make_ready import make_ready, take
from workers.sidecar.stages.runs import runs_of
from workers.wire.call import Call


def texts(ledger: Ledger, models: OneRehearsal, calls: Sequence[Call], batch_size: int) -> list[list[str]]:
    """The texts of each run."""
    requests = take(ledger, entry(), calls, has_company=True).by_variant[None]
    work = make_ready(ledger, known(models), requests, has_company=True).work
    return [[one.part.words() for one in run] for run in runs_of(known(models), work, batch_size)]


def test_what_is_computed_one_by_one_keeps_its_order(ledger: Ledger, models: OneRehearsal) -> None:
    calls = [call("a"), call("ccc"), call("bb", voice="en")]
    assert texts(ledger, models, calls, 1) == [["a"], ["ccc"], ["bb"]]


def test_what_is_alike_runs_together_in_pieces_and_the_first_calls_run_first(
    ledger: Ledger, models: OneRehearsal
) -> None:
    calls = [call("x", voice="en"), call("a"), call("ccc"), call("bb"), call("y", voice="en")]
    assert texts(ledger, models, calls, 2) == [["x", "y"], ["a"], ["ccc", "bb"]]
