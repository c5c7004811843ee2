"""A claimed share of a GPU: a load in turn, measured, and its memory kept while the model is away."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import redis

from tasks.catalog import parse
from tasks.errors import NoFreeSlot
from tasks.redis import keys
from tasks.settings import read
from tests.unit.workers.slots.conftest import RTX_4090, Cards
from workers.slots import gpu_slot
from workers.slots.claim import SlotClaim, claim_gpu
from workers.slots.gpu_slot import GpuSlot
from workers.slots.nvml import survey
from workers.slots.plan import GB
from workers.slots.turn import Turn

MODEL = parse('[models.m]\nadapter = "rehearsal"\nmemory_gb = 7.5', "here", Path())["m"]
MINE = "m-gpu0-0@here"


@pytest.fixture
def slot(cards: Cards, raw: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> GpuSlot:
    """A share of a card, claimed with the turn to load."""
    monkeypatch.setattr(gpu_slot, "SETTLE_S", 0.0)
    cards.plug(RTX_4090)
    turn = Turn.of("GPU-4090", "m", "here", 5.0)
    turn.take(raw)
    claim = claim_gpu(raw, "m", "here", "gpu0", turn, 5.0, 4)
    assert isinstance(claim, SlotClaim)
    return GpuSlot(raw, MODEL, survey().gpus[0], claim, read({}))


@pytest.fixture
def load(cards: Cards) -> Callable[[], Any]:
    """A load that takes 6 GB."""

    def take() -> Any:
        cards.take("GPU-4090", os.getpid(), 6.0)
        return SimpleNamespace(offer=SimpleNamespace(revision="r1"))

    return take


def test_a_load_is_measured_and_ends_the_turn_and_the_promise(
    slot: GpuSlot, load: Callable[[], Any], raw: redis.Redis
) -> None:
    slot.unloaded()
    assert raw.hgetall(keys.promised("GPU-4090")) == {MINE.encode(): str(int(7.5 * GB)).encode()}
    assert slot.load(load, lambda holder: None).offer.revision == "r1"
    assert list(raw.hgetall(keys.footprint("m"))) == [b"r1|NVIDIA GeForce RTX 4090|fp16"]
    assert raw.hgetall(keys.promised("GPU-4090")) == {}
    assert not raw.exists(keys.turn("GPU-4090"))


def test_what_is_measured_is_what_is_kept_for_a_model_that_leaves(
    slot: GpuSlot, load: Callable[[], Any], raw: redis.Redis
) -> None:
    slot.load(load, lambda holder: None)
    slot.child_ended()
    assert raw.hgetall(keys.promised("GPU-4090")) == {MINE.encode(): str(6 * GB).encode()}


def test_what_this_process_uses_of_the_card_is_seen_and_unknown_where_the_card_is_gone(
    slot: GpuSlot, load: Callable[[], Any], cards: Cards
) -> None:
    assert slot.used_bytes() == 0
    cards.take("GPU-4090", os.getppid(), 2.0)
    assert slot.used_bytes() is None, "another process, or this one under another pid"
    load()
    assert slot.used_bytes() == 6 * GB
    cards.plug()
    assert slot.used_bytes() is None


def test_a_load_that_fails_ends_the_turn(slot: GpuSlot, raw: redis.Redis) -> None:
    def fail() -> Any:
        raise ValueError("no weights")

    with pytest.raises(ValueError, match="no weights"):
        slot.load(fail, lambda holder: None)
    assert not raw.exists(keys.turn("GPU-4090"))
    assert raw.hgetall(keys.footprint("m")) == {}


def test_a_model_whose_room_was_taken_is_not_loaded_and_the_error_has_the_numbers(
    slot: GpuSlot, cards: Cards, raw: redis.Redis
) -> None:
    cards.take("GPU-4090", os.getppid(), 20.0)
    with pytest.raises(
        NoFreeSlot, match=rf"m does not fit on gpu0 .*7.5 by memory_gb.*pid {os.getppid()} uses 20.0 GB"
    ):
        slot.load(lambda: pytest.fail("it must not load"), lambda holder: None)
    assert not raw.exists(keys.turn("GPU-4090"))


def test_a_redis_that_is_away_does_not_cost_a_loaded_model(
    slot: GpuSlot, load: Callable[[], Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away(*_: Any, **__: Any) -> None:
        raise redis.ConnectionError("it restarts")

    monkeypatch.setattr("workers.slots.footprint.remember", away)
    assert slot.load(load, lambda holder: None).offer.revision == "r1"
    assert "could not be recorded: it restarts" in caplog.text
