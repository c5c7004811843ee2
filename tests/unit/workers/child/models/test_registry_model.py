"""One of many models: busy while anybody uses it, and counted over all its loads."""

from __future__ import annotations

from tests.unit.workers.child.rehearsals import OneRehearsal
from workers.child.models.eviction import Candidate
from workers.child.models.lifecycle import Lifecycle
from workers.child.models.registry_model import RegistryModel, Tally
from workers.wire.state import State


def test_it_is_busy_until_the_last_user_leaves_and_counts_each_use(models: OneRehearsal) -> None:
    one = RegistryModel("anna", Lifecycle(clock=lambda: 5.0), Tally(failures=1), size_bytes=30)
    one.life.enter(State.LOADING)
    with models.use(None) as model:
        one.loaded(model, now=10.0)
    assert one.candidate() == Candidate("anna", 30, 0, 10.0, in_use=False)
    one.join()
    one.join()
    one.leave(now=12.0, began=11.0)
    assert (one.life.state, one.candidate().in_use) == (State.BUSY, True)
    one.leave(now=14.0, began=11.0)
    assert one.candidate() == Candidate("anna", 30, 2, 14.0, in_use=False)
    assert one.status() == {
        "id": "anna",
        "state": "ready",
        "since": 5.0,
        "uses": 2,
        "last_used": 14.0,
        "total_inference_ms": 4000.0,
        "failures": 1,
        "bytes": 30,
        "loaded_at": 10.0,
        "load_s": 0.0,
    }
