"""`slotline slots` on a machine without a GPU: its CPU slots, held and free."""

from __future__ import annotations

import json
from typing import Any

import pytest
import redis
from click.testing import CliRunner

from tests.fixtures.environment import UseCatalog
from workers.commands.slots import slots
from workers.slots.claim import claim_cpu

CATALOG = '[models.espeak]\nadapter = "rehearsal"\n'


@pytest.fixture
def held(raw_redis: redis.Redis, use_catalog: UseCatalog, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two CPU slots; a worker holds the first, and is not ready."""
    monkeypatch.setenv("SLOTLINE_CPU_SLOTS", "2")
    use_catalog(CATALOG)
    claim_cpu(raw_redis, "espeak", "here", 2, 30.0, 4)


def run(*arguments: str) -> tuple[Any, str]:
    result = CliRunner().invoke(slots, list(arguments), standalone_mode=False)
    if result.exception:
        raise result.exception
    return result.return_value, result.output


def test_the_table_names_who_holds_which_slot(held: None) -> None:
    status, printed = run()
    rows = [line.split() for line in printed.splitlines()]
    assert status == 0
    assert rows[0][:3] == ["slot", "worker", "model"]
    assert next(row for row in rows if row[0] == "cpu-0")[1:3] == ["espeak-cpu-0@here", "espeak"]
    assert next(row for row in rows if row[0] == "cpu-1")[-1] == "free"


def test_as_json_it_is_one_object(held: None) -> None:
    status, printed = run("--json")
    rows = {row["slot"]: row for row in json.loads(printed)["slots"]}
    assert status == 0
    assert (rows["cpu-0"]["worker"], rows["cpu-0"]["state"]) == ("espeak-cpu-0@here", "loading")
    assert rows["cpu-1"]["state"] == "free"
