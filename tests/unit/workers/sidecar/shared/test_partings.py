"""The thread that parts from unloaded models: what an adapter holds is ended, and one that fails stops nothing."""

from __future__ import annotations

import logging
import threading
from queue import SimpleQueue
from typing import Any

import pytest

from tests.fixtures.waiting import GIVE_UP_S
from tests.unit.workers.child.rehearsals import entry
from workers.adapters import hardware
from workers.adapters.base import AnyAdapter
from workers.adapters.rehearsal import Rehearsal
from workers.sidecar.shared import partings


class Holds(Rehearsal):
    """An adapter with something to end."""

    ended: threading.Event
    fails = False

    def detach(self) -> None:
        self.ended.set()
        if self.fails:
            raise OSError("it cannot be closed")


def holding(fails: bool) -> Holds:
    one = Holds(entry(), "cpu")
    one.ended, one.fails = threading.Event(), fails
    return one


def test_each_adapter_ends_what_it_holds_also_after_one_that_cannot(caplog: pytest.LogCaptureFixture) -> None:
    parting: SimpleQueue[AnyAdapter] = SimpleQueue()
    bad, good = holding(fails=True), holding(fails=False)
    parting.put(bad)
    parting.put(good)
    with caplog.at_level(logging.ERROR):
        threading.Thread(target=partings.run, args=(parting,), daemon=True).start()
        assert bad.ended.wait(GIVE_UP_S)
        assert good.ended.wait(GIVE_UP_S)
    assert [record.message for record in caplog.records] == ["model could not end what it holds here"]


def test_memory_is_given_back_after_the_adapter_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    one, seen = holding(fails=False), []

    def release(device: Any) -> None:
        seen.append((device, one.ended.is_set()))

    monkeypatch.setattr(hardware, "release", release)
    partings.part(one)
    assert seen == [("cpu", True)]
