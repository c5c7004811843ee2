"""`slotline model status` for people: what the workers told stands in its column."""

from __future__ import annotations

import re
from typing import Any

import pytest

from workers.commands.model_table import MIB, show

TOLD: dict[str, Any] = {
    "slot": "bart-gpu0-0",
    "model": "bart",
    "device": "gpu0",
    "state": "ready",
    "answers": True,
    "last_batch": 7,
    "largest_batch": 16,
    "batch_size": 16,
}


@pytest.mark.parametrize(("fits", "shown"), [(None, ""), (5, "5")])
def test_the_largest_batch_that_fitted_after_memory_ran_out_has_a_column(
    fits: int | None, shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    show({"bart-gpu0-0@here": {**TOLD, "largest_fit": fits}, "bart-gpu0-1@here": {"error": "no answer"}})
    printed = capsys.readouterr()
    head, row, *_ = printed.out.splitlines()
    at = head.index("fits")
    assert row[at : head.index("recycled")].strip() == shown
    assert printed.err == "bart-gpu0-1: no answer\n"


def test_how_often_a_leaking_model_was_replaced_stands_beside_its_limit(capsys: pytest.CaptureFixture[str]) -> None:
    show({"bart-gpu0-0@here": {**TOLD, "recycled": 2, "recycle_rss_gb": 1.5}})
    head, row, *_ = capsys.readouterr().out.splitlines()
    assert row[head.index("recycled") : head.index("idle")].strip() == "2 (at 1.5 GB)"


def test_a_paused_model_says_so_beside_its_state(capsys: pytest.CaptureFixture[str]) -> None:
    show({"bart-gpu0-0@here": {**TOLD, "paused": True}})
    head, row, *_ = capsys.readouterr().out.splitlines()
    assert row[head.index("state") : head.index("for")].strip() == "ready, paused"


def test_the_seconds_of_the_stages_stand_together(capsys: pytest.CaptureFixture[str]) -> None:
    stages_s = {"waiting": 3.2, "computing": 120.0, "ready": 0.6, "away": 30.0}
    show({"bart-gpu0-0@here": {**TOLD, "stages_s": stages_s}})
    head, row, *_ = capsys.readouterr().out.splitlines()
    shown = row[head.index("seconds") : head.index("batches")].strip()
    assert shown == "3 waiting, 120 computing, 1 ready, 30 away"


def test_a_registrys_models_stand_in_a_table_of_their_own_with_what_is_counted_beside_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    anna = {
        "id": "anna", "state": "ready", "uses": 4, "last_used": None, "total_inference_ms": 12.5, "bytes": 2 * MIB,
        "loaded_at": None, "load_s": 1.25, "stats": {"hits": 120, "decode_ms": 45.499999999},
    }  # fmt: skip
    bounds = {"bytes": 2 * MIB, "max_models": 3, "max_bytes": 9 * MIB, "policy": "lfu"}
    registry = {**bounds, "hits": 3, "misses": 1, "evictions": 0, "models": [anna]}
    show({"faces-cpu-0@here": {**TOLD, "slot": "faces-cpu-0", "registry": registry}})
    *_, said, head, row = capsys.readouterr().out.splitlines()
    assert said == "faces-cpu-0: 1 model, 2 MiB (at most 3 and 9 MiB, lfu); 3 hits, 1 misses, 0 evictions"
    cells = dict(zip(re.split(r"  +", head.strip()), re.split(r"  +", row.strip()), strict=False))
    assert (cells["id"], cells["uses"]) == ("anna", "4")
    assert row.rstrip().endswith("hits 120, decode_ms 45.5")
    assert "12.5 ms" in row
    assert "1.2 s" in row
