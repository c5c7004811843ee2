"""Whether this machine has room for a model: GPUs by memory, CPU slots by their number, with Redis and without."""

from __future__ import annotations

from pathlib import Path

import redis

from tasks.catalog import parse
from tasks.settings import read
from tests.unit.workers.slots.conftest import RTX_3070, RTX_4090, Cards
from workers.slots import footprint
from workers.slots.claim import claim_cpu
from workers.slots.fitting import Fit, Machine
from workers.slots.overview import overview
from workers.slots.plan import GB

TABLES = """
[models.viettts]
adapter = "card"
memory_gb = 7.5
[models.espeak]
adapter = "espeak"
"""
MODELS = parse(TABLES, "here", Path())
CHOSEN = read({"SLOTLINE_CPU_SLOTS": "2"})


def test_it_counts_as_the_table_of_slots_does(cards: Cards, raw: redis.Redis) -> None:
    cards.plug(RTX_4090, RTX_3070)
    footprint.remember(raw, "viettts", "1", str(RTX_4090["name"]), "fp16", int(5 * GB))
    plans = [row for row in overview(raw, MODELS, CHOSEN).rows if row.what == "plan"]
    fit = Machine.looked_at(raw, CHOSEN).fit(MODELS["viettts"])
    assert fit.device == "cuda"
    assert fit.more == sum(row.more or 0 for row in plans) > 0
    assert fit.why == "; ".join(f"{row.slot}: {row.why}" for row in plans)
    assert "5.0 measured" in fit.why


def test_without_redis_the_catalogs_guess_counts(cards: Cards) -> None:
    cards.plug(RTX_4090)
    fit = Machine.looked_at(None, CHOSEN).fit(MODELS["viettts"])
    assert (fit.more, fit.device) == (2, "cuda")
    assert "7.5 by memory_gb" in fit.why


def test_cpu_slots_are_counted(cards: Cards, raw: redis.Redis) -> None:
    claim_cpu(raw, "espeak", "here", 2, 30.0, 4)
    assert Machine.looked_at(raw, CHOSEN).fit(MODELS["espeak"]) == Fit(1, "cpu", "1 of 2 CPU slots free")
    assert Machine.looked_at(None, CHOSEN).fit(MODELS["espeak"]).more == 2


def test_a_table_that_its_adapter_does_not_take_fits_nowhere_and_says_why(cards: Cards) -> None:
    broken = parse('[models.speak]\nadapter = "espeek"\n', "here", Path())
    fit = Machine.looked_at(None, CHOSEN).fit(broken["speak"])
    assert (fit.more, fit.device) == (0, "")
    assert "did you mean 'espeak'?" in fit.why
