"""A slot that is full looks for no messages, and still notices that its model is paused."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from tasks.flow.ledger import Ledger
from tasks.redis import keys
from tests.unit.workers.parent.small_slot import RESULT, SmallSlot
from workers.duties import pause
from workers.duties.pause import Pause


@pytest.fixture
def duty(pool: Any, raw_redis: Any, monkeypatch: pytest.MonkeyPatch) -> Pause:
    monkeypatch.setattr(pause, "ledger", lambda app: Ledger(raw_redis))
    return Pause(SimpleNamespace(pool=pool, app=None))


def test_what_was_taken_and_not_begun_is_given_back_until_the_model_is_resumed(
    duty: Pause, slot: SmallSlot, raw_redis: Any
) -> None:
    running, _ = slot.running("a")
    slot.request("b")
    duty.step()
    assert slot.waiting() == ["b"]
    raw_redis.hset(keys.PAUSED, "m", "{}")
    duty.step()
    assert (slot.waiting(), slot.order) == ([], ["b"])
    slot.turn()
    slot.recalled()
    slot.finish(running, RESULT)
    raw_redis.delete(keys.PAUSED)
    duty.step()
    slot.request("c")
    slot.turn()
    assert slot.batches() == [["a"], ["c"]]


def test_another_models_pause_is_nothing_to_this_slot(duty: Pause, slot: SmallSlot, raw_redis: Any) -> None:
    raw_redis.hset(keys.PAUSED, "other", "{}")
    duty.step()
    assert not slot.dispatcher.is_paused
