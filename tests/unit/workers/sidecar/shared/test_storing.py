"""Results that take long to store: several at the same time, each handed on when it is stored, none lost."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from time import monotonic
from types import SimpleNamespace
from typing import Any

import pytest

from tests.unit.workers.sidecar.sidecars import run_of
from workers.sidecar.shared import storing
from workers.sidecar.shared.away_work import AwayWork
from workers.sidecar.shared.done import DoneQueue, RunCame, RunStored
from workers.sidecar.shared.held import HeldBatch
from workers.sidecar.shared.storing import Storing
from workers.sidecar.stages.work import Computed
from workers.wire.page import Page, Stage
from workers.wire.work_line import RunEnded

LIMIT_S = 30.0


def came(number: int, takes_long: bool = True) -> RunCame:
    """A run of batch `number`, whose one result is its number."""
    work: Any = SimpleNamespace(
        first=SimpleNamespace(craft=SimpleNamespace(takes_long=takes_long)), part=None, calls=(0,)
    )
    return RunCame(run_of(HeldBatch(number, []), number, work), RunEnded(number, [number], 0.5), monotonic())


def stored(one: RunCame) -> RunStored:
    """That run, with what `Stores` says."""
    says: Any = f"stored {one.run.batch.number}"
    return RunStored(one, [says])


class Stores:
    """Stands for the store: each result waits until it is let go."""

    def __init__(self) -> None:
        self.begun: list[int] = []
        self.gates = {number: threading.Event() for number in range(5)}
        self._changed = threading.Condition()

    def store_all(self, computed: Sequence[Computed]) -> list[Any]:
        with self._changed:
            self.begun += [one.result for one in computed]
            self._changed.notify_all()
        assert self.gates[computed[0].result].wait(LIMIT_S)
        return [f"stored {one.result}" for one in computed]

    def wait_for(self, count: int) -> None:
        """Wait until so many have begun."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.begun) >= count, LIMIT_S)


@pytest.fixture
def stores(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stores]:
    made = Stores()
    monkeypatch.setattr(storing, "store_all", made.store_all)
    yield made
    for gate in made.gates.values():
        gate.set()


def test_results_are_stored_at_the_same_time_and_handed_on_as_they_are_stored(stores: Stores) -> None:
    page, done = Page(), DoneQueue()
    it = Storing(AwayWork(page), done)
    first, second = came(1), came(2)
    it.came(first)
    it.came(second)
    stores.wait_for(2)
    assert [page.stage(Stage.AWAY).works_on(number) for number in range(4)] == [False, True, True, False]
    stores.gates[2].set()
    assert done.take() == [stored(second)]
    stores.gates[1].set()
    it.wait()
    assert done.take() == [stored(first)]
    assert page.stage(Stage.AWAY).since is None


def test_what_is_stored_fast_is_left_to_the_away_thread(stores: Stores) -> None:
    done, one = DoneQueue(), came(1, takes_long=False)
    it = Storing(AwayWork(Page()), done)
    it.came(one)
    it.wait()
    assert done.take() == [one]
    assert stores.begun == []


def test_an_error_that_no_result_can_cause_ends_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(computed: object) -> None:
        raise MemoryError

    ended: list[int] = []
    monkeypatch.setattr(storing, "store_all", broken)
    monkeypatch.setattr("os._exit", ended.append)
    it = Storing(AwayWork(Page()), DoneQueue())
    it.came(came(1))
    it.wait()
    it._threads.shutdown()
    assert ended == [1]
