"""What a worker stops for cancelled jobs; real workers stand in `tests/faults/test_cancel.py`."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from tasks.flow.connections import ledger
from tasks.settings import settings
from tests.unit.workers.parent.small_slot import SmallSlot
from workers.duties.cancel import Cancel, slotline_cancel, stop


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


def test_a_batch_of_which_all_is_cancelled_is_killed_after_the_grace(
    slot: SmallSlot, pool: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLOTLINE_CANCEL_GRACE_S", "0")
    settings.cache_clear()
    slot.running("a", "b")
    assert slotline_cancel(SimpleNamespace(consumer=SimpleNamespace(pool=pool)), ids=["a", "b"]) == {"ok": 2}
    assert slot.child.kills == [], "the child may stop by itself first"
    slot.turn()
    assert len(slot.child.kills) == 1


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
