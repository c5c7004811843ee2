"""What a worker stops for cancelled jobs; real workers stand in `tests/faults/test_cancel.py`."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from celery import Celery
from celery.worker.state import revoked
from redis.exceptions import ConnectionError as RedisConnectionError

from tasks.flow.connections import ledger
from tests.unit.workers.parent.small_slot import SmallSlot
from workers.duties.cancel import Cancel, RevokedInRedis, _revoking, slotline_cancel, stop
from workers.wire.batches import CancelCalls


class App:
    """Celery's application, as far as the ledger asks it."""

    def __init__(self, client: Any) -> None:
        self.backend = SimpleNamespace(client=client)


def test_one_request_of_a_batch_is_cancelled_and_the_child_goes_on(slot: SmallSlot, pool: Any) -> None:
    _, (one, other) = slot.running("a", "b")
    assert stop(pool, {"a", "unknown"}) == 1
    assert (one.is_cancelled, other.is_cancelled) == (True, False)
    assert stop(pool, {"a"}) == 0, "it is cancelled already"
    slot.turn()
    assert slot.child.kills == []


def test_what_is_cancelled_stops_in_every_batch_in_flight_and_no_child_is_killed_at_once(
    slot: SmallSlot, pool: Any
) -> None:
    slot.running("a", "b")
    slot.batch("c", "d")
    assert slotline_cancel(SimpleNamespace(consumer=SimpleNamespace(pool=pool)), ids=["a", "b", "d"]) == {"ok": 3}
    assert slot.child.kills == [], "the child may stop by itself first"
    slot.sidecar.hear()
    assert slot.sidecar.heard[-2:] == [CancelCalls(1, (0, 1)), CancelCalls(2, (1,))]


def test_an_idle_slot_and_a_flow_worker_have_nothing_to_stop(pool: Any) -> None:
    assert stop(pool, {"a"}) == 0
    assert stop(object(), {"a"}) == 0


def test_a_step_asks_the_ledger_what_was_cancelled_unheard(slot: SmallSlot, pool: Any, raw_redis: Any) -> None:
    duty: Any = Cancel(SimpleNamespace(pool=pool, app=App(raw_redis)))
    duty.step()
    _, (one, other) = slot.running("a", "b")
    duty.step()
    assert not one.is_cancelled
    ledger(duty.consumer.app).transitions.cancel("a", even_unknown=True)
    duty.step()
    assert (one.is_cancelled, other.is_cancelled) == (True, False)


@pytest.fixture
def worker(pool: Any, broker: str) -> Iterator[Any]:
    """A worker as a remote control command sees it."""
    with Celery("worker", broker=broker, backend=broker, set_as_current=False) as app:
        yield SimpleNamespace(consumer=SimpleNamespace(pool=pool), app=app)


def test_celerys_revoke_is_recorded_before_the_worker_acts_on_it_also_for_a_task_without_a_job(
    worker: Any, slot: SmallSlot
) -> None:
    was_recorded = []

    def original(state: Any, task_id: Any, **more: Any) -> str:
        was_recorded.append(ledger(state.app).queries.cancelled(task_id))
        return "flagged"

    _, (one, other) = slot.running("a", "b")
    assert _revoking(original)(worker, task_id=["a", "waits"]) == "flagged"
    assert was_recorded == [{"a", "waits"}]
    assert (one.is_cancelled, other.is_cancelled) == (True, False)


def test_a_revocation_that_cannot_be_recorded_is_refused(worker: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    revoke = _revoking(lambda state, task_id, **more: pytest.fail("a worker acted on it"))
    assert revoke(worker, task_id=["good", "x" * 600]) == {"error": "revoke: id: has 600 bytes; it may have 512"}

    def refuse(*_: Any, **__: Any) -> Any:
        raise RedisConnectionError("no route")

    monkeypatch.setattr("workers.duties.cancel.cancel", refuse)
    assert revoke(worker, task_id="good") == {"error": "revoke: it cannot be recorded: no route"}


def test_celerys_memory_of_a_revocation_is_not_asked_when_a_message_of_ours_arrives() -> None:
    def message(task: str) -> Any:
        return SimpleNamespace(headers={"id": "again", "task": task})

    receive = RevokedInRedis(SimpleNamespace())._guarded(lambda message, body: "again" in revoked)
    revoked.add("again")
    assert receive(message("a.foreign.task"), None), "the ledger knows nothing of it"
    assert not receive(message("speech.paragraph"), None)
    assert receive(SimpleNamespace(headers=None), None) is False
