"""What a slot takes: measured where it was, guessed where not, and never mixed up with another's."""

from __future__ import annotations

from dataclasses import replace

import pytest
import redis

from tasks import offers
from tasks.catalog import ModelEntry
from tasks.settings import read
from workers.slots.footprint import known, measured, own_bytes, remember
from workers.slots.nvml import Gpu, User
from workers.slots.plan import GB, Footprint

CHOSEN = read({})
ENTRY = ModelEntry(name="m", adapter="card", memory_gb=7.5)
BEFORE = Gpu("GPU-x", "gpu0", "RTX 4090", 24 * GB, 20 * GB)


def offer(raw: redis.Redis, revision: str) -> None:
    offers.Offers(raw).publish(offers.Published("m", "card", revision, 8000))


def test_a_guess_serves_until_there_is_a_measure(raw: redis.Redis) -> None:
    bare = ModelEntry(name="m", adapter="card")
    assert known(raw, bare, "RTX 4090", CHOSEN) == Footprint(None)
    guess = read({"GPU_ESTIMATED_MODEL_SIZE_GB": "1.5"})
    assert str(known(raw, bare, "RTX 4090", guess)) == "1.5 by GPU_ESTIMATED_MODEL_SIZE_GB"
    assert str(known(raw, ENTRY, "RTX 4090", guess)) == "7.5 by memory_gb"
    remember(raw, "m", "r1", "RTX 4090", "fp16", int(7.4 * GB))
    assert str(known(raw, ENTRY, "RTX 4090", guess)) == "7.4 measured"


def test_a_measure_belongs_to_its_gpu_type_precision_and_revision(raw: redis.Redis) -> None:
    remember(raw, "m", "r1", "RTX 4090", "fp16", 4 * GB)
    remember(raw, "m", "r1", "RTX 4090", "fp32", 8 * GB)
    remember(raw, "m", "r2", "RTX 4090", "fp16", 5 * GB)
    offer(raw, "r1")
    assert str(known(raw, ENTRY, "RTX 4090", CHOSEN)) == "4.0 measured"
    assert str(known(raw, ENTRY, "RTX 4090", read({"GPU_USE_FP16": "false"}))) == "8.0 measured"
    assert str(known(raw, ENTRY, "H200", CHOSEN)) == "7.5 by memory_gb"
    offer(raw, "r2")
    assert str(known(raw, ENTRY, "RTX 4090", CHOSEN)) == "5.0 measured"
    offer(raw, "r3")
    assert str(known(raw, ENTRY, "RTX 4090", CHOSEN)) == "7.5 by memory_gb"


def test_a_revision_that_the_catalog_was_given_since_counts_as_not_measured(raw: redis.Redis) -> None:
    remember(raw, "m", "r1", "RTX 4090", "fp16", 4 * GB)
    offer(raw, "r1")
    newer = ENTRY.model_copy(update={"revision": "r2"})
    assert str(known(raw, newer, "RTX 4090", CHOSEN)) == "7.5 by memory_gb"


def test_where_no_worker_told_the_revision_the_newest_measure_serves(raw: redis.Redis) -> None:
    remember(raw, "m", "r1", "RTX 4090", "fp16", 4 * GB)
    remember(raw, "m", "r2", "RTX 4090", "fp16", 5 * GB)
    assert str(known(raw, ENTRY, "RTX 4090", CHOSEN)) == "5.0 measured"


def test_a_slot_of_many_models_is_planned_with_all_it_may_hold(raw: redis.Redis) -> None:
    faces = ModelEntry(name="m", adapter="card", memory_gb=0.5, max_memory_gb=20.0)
    remember(raw, "m", "r1", "RTX 4090", "fp16", GB)
    assert str(known(raw, faces, "RTX 4090", CHOSEN)) == "20.0 by max_memory_gb"


@pytest.mark.parametrize(
    ("company", "own", "is_first", "took"),
    [
        ((), None, False, 8 * GB),
        ((), 7 * GB, False, 8 * GB),
        ((User(1, GB),), 7 * GB, False, 7 * GB),
        ((User(1, GB),), None, False, None),
        ((User(1, GB),), None, True, 8 * GB),
        ((User(1, None), User(99, GB)), 7 * GB, False, None),
    ],
)
def test_the_driver_s_free_memory_counts_where_nobody_else_moves_it(
    company: tuple[User, ...], own: int | None, is_first: bool, took: int | None
) -> None:
    before = replace(BEFORE, users=company)
    after = replace(BEFORE, free_bytes=12 * GB, users=(*company, User(99, own)))
    assert measured(before, after, 99, is_first) == took


def test_memory_that_only_grew_is_no_measure() -> None:
    assert measured(BEFORE, replace(BEFORE, free_bytes=21 * GB), 99, True) is None


def test_what_a_process_uses_is_its_own_figure_and_unknown_where_the_driver_has_other_pids() -> None:
    users = (User(7, 5 * GB), User(8, None))
    assert [own_bytes(users, pid) for pid in (7, 8, 9)] == [5 * GB, None, None]
    assert own_bytes((), 7) == 0
