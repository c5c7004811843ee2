"""What the remote control answers, by the state of the slot; real workers stand in `test_idle_unload.py`."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from tests.unit.workers.parent.small_slot import SmallSlot
from workers.duties.remote_control import status, status_of, timeout, unload, unload_of, with_stats
from workers.wire.messages import Operation
from workers.wire.state import State


def state_of(pool: Any) -> Any:
    """What Celery gives to a remote control command."""
    return SimpleNamespace(consumer=SimpleNamespace(pool=pool))


def test_the_status_is_the_parents_where_the_child_does_not_answer(slot: SmallSlot, pool: Any) -> None:
    answer = status(state_of(pool))
    assert (answer["slot"], answer["model"], answer["state"], answer["answers"]) == ("m-cpu-0", "m", "ready", False)
    assert (answer["waiting"], answer["timeout_s"], answer["batch_size"]) == (0, 0.0, 2)
    slot.running("a", "b")
    assert status_of(pool, {"jobs": 7})["state"] == "busy"
    slot.sidecar.page.waited(2.5)
    assert status_of(pool, None)["stages_s"] == {"waiting": 2.5, "computing": 0.0, "ready": 0.0, "away": 0.0}
    assert status_of(pool, None)["in_flight"] == 2
    assert (status_of(pool, {"jobs": 7})["jobs"], status_of(pool, {"jobs": 7})["answers"]) == (7, True)


def test_what_the_adapters_count_stands_with_their_models() -> None:
    registry = {"hits": 1, "models": [{"id": "anna", "uses": 3}, {"id": "bert", "uses": 1}]}
    found = with_stats({"jobs": 7, "registry": registry}, {"anna": {"hits": 5}, "gone": {"hits": 1}})
    assert found["registry"] == {
        "hits": 1,
        "models": [{"id": "anna", "uses": 3, "stats": {"hits": 5}}, {"id": "bert", "uses": 1, "stats": {}}],
    }
    assert with_stats({"jobs": 7}, {None: {"prepared": 2}}) == {"jobs": 7, "stats": {"prepared": 2}}


def test_an_idle_model_is_unloaded_once(slot: SmallSlot, pool: Any) -> None:
    assert unload(state_of(pool)) == {"ok": "m is being unloaded"}
    assert unload_of(pool) == {"ok": "m is being unloaded"}
    slot.sidecar.hear()
    assert slot.sidecar.operations == [Operation.UNLOAD]


def test_a_model_in_use_is_not_unloaded(slot: SmallSlot, pool: Any) -> None:
    slot.running("a", "b")
    slot.request("c")
    assert unload_of(pool) == {
        "error": "m is busy: 2 jobs run and 1 waits; a model in use is not unloaded",
    }


@pytest.mark.parametrize(
    ("state", "answer"),
    [
        (State.UNLOADED, {"ok": "m is not loaded"}),
        (State.LOADING, {"error": "m is not unloaded: it is loading"}),
    ],
)
def test_a_model_that_is_not_loaded_is_not_unloaded(
    slot: SmallSlot, pool: Any, state: State, answer: dict[str, str]
) -> None:
    slot.supervisor.state = state
    assert unload_of(pool) == answer
    slot.sidecar.hear()
    assert slot.sidecar.operations == []


def test_a_time_out_is_set_for_this_worker(pool: Any) -> None:
    assert timeout(state_of(pool), seconds=90) == {"ok": "m is unloaded when idle for 90 s"}
    told = status(state_of(pool))
    assert (told["timeout_s"], told["timeout_set_by"]) == (90.0, "slotline model timeout")
    assert timeout(state_of(pool), seconds=0) == {"ok": "m is never unloaded for being idle"}
    assert "neither 0" in timeout(state_of(pool), seconds=3)["error"]
    assert pool.idle_timeout.seconds == 0.0


def test_a_flow_worker_says_that_it_has_no_model() -> None:
    for command in (status, unload, timeout):
        assert command(state_of(object())) == {"error": "this worker has no model"}
