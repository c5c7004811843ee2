"""`slotline model list`: the table and the JSON, with Redis and without, and the status of a verification."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import redis

from tests.fixtures.commands import Slotline
from tests.fixtures.environment import UseCatalog
from tests.unit.workers.commands.test_model_rows import pulled
from workers.slots.claim import claim_cpu

NOWHERE = "redis://127.0.0.1:9/0"


@pytest.fixture
def models(use_catalog: UseCatalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pulled BART, espeak, and a table that is wrong; this user has pulled nothing else."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("SLOTLINE_CPU_SLOTS", "2")
    model = pulled(tmp_path)
    use_catalog(
        f'[models.bart-large-cnn]\nadapter = "bart"\npath = "{model}"\n'
        '[models.espeak]\nadapter = "espeak"\n[models.wrong]\nadapter = "espeek"\n'
    )
    return model


def test_every_table_has_its_row_and_what_can_be_fetched_is_named(
    models: Path, slotline: Slotline, raw_redis: redis.Redis
) -> None:
    claim_cpu(raw_redis, "espeak", "here", 2, 30.0, 4)
    said = slotline("model", "list")
    rows = {line.split()[0]: line for line in said.out.splitlines() if line.strip()}
    lines = said.out.splitlines()
    assert said.status == 0
    assert "whole" in rows["bart-large-cnn"]
    assert "1 CPU slot " in rows["espeak"]
    assert "wrong table" in rows["wrong"]
    assert [line for line in lines if line.startswith("wrong: ") and "did you mean 'espeak'?" in line]
    assert rows["kokoro"].rstrip().endswith("slotline model pull kokoro")
    assert "guess" not in said.out


def test_without_redis_it_lists_all_the_same_and_calls_what_fits_a_guess(
    models: Path, slotline: Slotline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CELERY_BROKER_URL", NOWHERE)
    monkeypatch.setenv("CELERY_RESULT_BACKEND", NOWHERE)
    said = slotline("model", "list", "--json")
    found = json.loads(said.out)
    assert said.status == 0
    assert [one["name"] for one in found["models"]] == ["bart-large-cnn", "espeak", "wrong"]
    assert found["models"][0]["fits"] == {"more": 2, "device": "cpu", "why": "2 of 2 CPU slots free"}
    assert "is a guess" in found["note"]
    assert "kokoro" in [one["name"] for one in found["available"]]


def test_verifying_reads_the_files_and_its_status_says_whether_all_are_whole(
    models: Path, slotline: Slotline, use_catalog: UseCatalog
) -> None:
    use_catalog(f'[models.bart-large-cnn]\nadapter = "bart"\npath = "{models}"\n')
    assert slotline("model", "list", "--verify").status == 0
    (models / "model.safetensors").write_bytes(b"weightz")
    assert slotline("model", "list").status == 0
    said = slotline("model", "list", "--verify")
    assert said.status == 1
    assert "not whole" in said.out
    assert "bart-large-cnn: reading its files" in said.err
