"""The table of slots: what a GPU has room for, who holds what, and what is free."""

from __future__ import annotations

from pathlib import Path

import redis

from tasks import pauses
from tasks.catalog import parse
from tasks.settings import read
from tests.unit.workers.slots.conftest import RTX_4090, Cards
from workers.slots.claim import claim_cpu
from workers.slots.overview import Row, overview

MODELS = parse('[models.viettts]\nadapter = "card"\nmemory_gb = 7.5\n', "here", Path())
CHOSEN = read({"SLOTLINE_CPU_SLOTS": "2"})


def test_gpus_come_first_then_what_is_held_then_what_is_free(cards: Cards, raw: redis.Redis) -> None:
    cards.plug(RTX_4090)
    claim_cpu(raw, "espeak", "here", 2, 30.0, 4)
    found = overview(raw, MODELS, CHOSEN)
    assert [(row.what, row.slot, row.model) for row in found.rows] == [
        ("gpu", "gpu0", ""),
        ("plan", "gpu0", "viettts"),
        ("held", "cpu-0", "espeak"),
        ("free", "cpu-1", ""),
    ]
    gpu, plan, held, _ = found.rows
    assert gpu.uuid == "GPU-4090"
    assert (plan.more, plan.state) == (2, "2 more")
    assert (held.worker, held.state) == ("espeak-cpu-0@here", "loading")
    assert found.note == ""


def test_a_slot_of_a_paused_model_says_so(cards: Cards, raw: redis.Redis) -> None:
    claim_cpu(raw, "espeak", "here", 2, 30.0, 4)
    pauses.pause(raw, "espeak", "me")
    held = next(row for row in overview(raw, MODELS, CHOSEN).rows if row.what == "held")
    assert held.state == "loading, paused"
    assert held.why.startswith("espeak is paused since")


def test_without_a_gpu_the_note_says_why(cards: Cards, raw: redis.Redis) -> None:
    found = overview(raw, MODELS, CHOSEN)
    assert {row.what for row in found.rows} == {"free"}
    assert found.note == "the driver shows no GPU"


def test_json_leaves_out_what_is_empty_and_the_table_shows_an_age() -> None:
    row = Row("held", "cpu-0", "espeak", pid=7, for_s=3725.0, more=0)
    assert row.fields() == {"what": "held", "slot": "cpu-0", "model": "espeak", "pid": 7, "for_s": 3725.0, "more": 0}
    assert row.cells() == ["cpu-0", "", "espeak", "7", "01:02:05", "", ""]
