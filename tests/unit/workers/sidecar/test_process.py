"""A sidecar's state: what is taken back when it is recalled."""

from __future__ import annotations

from tests.unit.workers.sidecar.sidecars import around, run_of
from workers.sidecar.shared.done import NotBegunCalls


def test_what_is_recalled_is_handed_on_run_by_run() -> None:
    with around() as it:
        runs = [run_of(it.batch(1), it.sidecar.outbox.number(), size=1) for _ in range(2)]
        it.sidecar.outbox.send(runs)
        it.sidecar.recall()
        assert it.sidecar.done.take() == [NotBegunCalls(run.batch, run=run) for run in runs]
