"""Which GPU a worker gets by its memory, and who it waits for; whole workers stand in `test_gpu.py`."""

from __future__ import annotations

from pathlib import Path

import pytest
import redis

from tasks.catalog import ModelEntry, parse
from tasks.errors import NoFreeSlot
from tasks.redis import keys
from tasks.settings import read
from tests.unit.workers.slots.conftest import RTX_3080, RTX_4090, Cards
from workers.slots import gpu_claim
from workers.slots.gpu import seen
from workers.slots.gpu_claim import claim_share
from workers.slots.plan import GB
from workers.slots.turn import Turn

CHOSEN = read({})


def model(table: str) -> ModelEntry:
    return parse(f'[models.m]\nadapter = "rehearsal"\n{table}', "here", Path())["m"]


def never(line: str) -> None:
    raise AssertionError(line)


@pytest.fixture(autouse=True)
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """No process is about to give memory back."""
    monkeypatch.setattr(gpu_claim, "SETTLE_S", 0.0)


def test_the_gpu_with_the_most_free_memory_is_claimed_with_its_turn_and_a_promise(
    cards: Cards, raw: redis.Redis
) -> None:
    cards.plug(RTX_3080, RTX_4090)
    claim, slot = claim_share(raw, model("memory_gb = 7.5"), "here", CHOSEN, 4, seen().gpus, never)
    assert (claim.worker, slot.uuid, slot.label) == ("m-gpu1-0@here", "GPU-4090", "gpu1")
    assert claim.turn is not None
    assert raw.get(keys.turn("GPU-4090")) == claim.turn.value.encode()
    assert raw.hgetall(keys.promised("GPU-4090")) == {b"m-gpu1-0@here": str(int(7.5 * GB)).encode()}


def test_where_no_gpu_has_room_each_says_its_sum_and_no_turn_stays(cards: Cards, raw: redis.Redis) -> None:
    cards.plug(RTX_3080, RTX_4090)
    with pytest.raises(NoFreeSlot) as refused:
        claim_share(raw, model("memory_gb = 40"), "here", CHOSEN, 4, seen().gpus, never)
    assert "no GPU has room for m: gpu1 (NVIDIA GeForce RTX 4090): 24.0 GB" in str(refused.value)
    assert "gpu0 (NVIDIA GeForce RTX 3080): 10.0 GB" in str(refused.value)
    assert raw.keys(keys.PREFIX + "turn:*") + raw.keys(keys.PREFIX + "slot:*") == []


def test_while_another_loads_there_it_waits_and_says_so_once(cards: Cards, raw: redis.Redis) -> None:
    cards.plug(RTX_4090)
    other = Turn.of("GPU-4090", "bart", "there", 5.0)
    other.take(raw)
    lines: list[str] = []

    def say(line: str) -> None:
        lines.append(line)
        other.end(raw)

    claim, _ = claim_share(raw, model("memory_gb = 7.5"), "here", CHOSEN, 4, seen().gpus, say)
    assert claim.worker == "m-gpu0-0@here"
    assert [line.partition(" (pid")[0] for line in lines] == ["gpu0: bart"]
    assert lines[0].endswith("m waits for its turn")
