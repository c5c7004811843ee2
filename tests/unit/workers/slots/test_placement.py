"""Where the wanted slots go, and the sentence when they do not fit together."""

from __future__ import annotations

from pathlib import Path

import pytest
import redis

from tasks.catalog import parse
from tasks.errors import InvalidInput, NoFreeSlot
from tasks.settings import read
from tests.unit.workers.slots.conftest import RTX_3080, RTX_4090, Cards
from workers.slots.placement import MOST_WANTED, Placement, place_all

CHOSEN = read({})
TEXT = """
[models.viettts]
adapter = "card"
memory_gb = 7.5

[models.bart]
adapter = "card"
memory_gb = 1.5

[models.silence]
adapter = "rehearsal"
"""
MODELS = parse(TEXT, "here", Path())


def test_each_slot_gets_its_gpu_and_each_gpu_its_line(cards: Cards, raw: redis.Redis) -> None:
    cards.plug(RTX_3080, RTX_4090)
    placement = place_all(raw, {"viettts": 3, "bart": 1, "silence": 5}, MODELS, CHOSEN)
    assert sorted(placement.uuids["viettts"]) == ["GPU-3080", "GPU-4090", "GPU-4090"]
    assert len(placement.uuids["bart"]) == 1
    assert "silence" not in placement.uuids
    assert [line.partition(" (")[0] for line in placement.lines] == ["gpu0", "gpu1"]
    assert "2 × viettts (7.5 by memory_gb)" in placement.lines[1]


def test_models_on_cpus_need_no_place(cards: Cards, raw: redis.Redis) -> None:
    cards.plug(RTX_4090)
    assert place_all(raw, {"silence": 300}, MODELS, CHOSEN) == Placement({})


def test_what_does_not_fit_is_refused_with_what_each_gpu_has(cards: Cards, raw: redis.Redis) -> None:
    cards.plug(RTX_3080)
    with pytest.raises(NoFreeSlot) as refused:
        place_all(raw, {"viettts": 2}, MODELS, CHOSEN)
    line = str(refused.value)
    assert line.startswith("these slots do not fit together: viettts=2 (7.5 by memory_gb each). gpu0 (")
    assert "\n" not in line
    with pytest.raises(InvalidInput, match=f"at most {MOST_WANTED} GPU slots"):
        place_all(raw, {"bart": MOST_WANTED + 1}, MODELS, CHOSEN)
