"""`slotline doctor`: its lines, its JSON and its exit status; real processes stand in `tests/faults/test_doctor.py`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tasks.settings import read
from tests.fixtures.commands import Slotline
from tests.fixtures.environment import UseCatalog
from workers.doctor.declared import Declared


def test_on_a_machine_where_nothing_is_set_up_there_is_nothing_to_repair(
    slotline: Slotline, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, unused_port: int
) -> None:
    chosen = read({"CELERY_BROKER_URL": f"redis://localhost:{unused_port}/0", "SLOTLINE_STORE_URL": f"{tmp_path}/s"})
    monkeypatch.setattr("tasks.settings.settings", lambda: chosen.model_copy(update={"broker_is_known": False}))
    said = slotline("doctor")
    lines = said.out.splitlines()
    assert (said.status, lines[-1]) == (0, "nothing to repair")
    assert {line[0] for line in lines[:-1]} == {"✓", "–"}
    about = [line[2:].split("  ")[0].strip() for line in lines[:-1]]
    once = ["Python", "slotline", "libraries", "settings", "Redis server", "stack", "GPU", "broker", "store", "catalog"]
    assert [one for one in about if one in once] == once
    assert {*about} - {*once} == {"extra", "model"}
    assert list(tmp_path.iterdir()) == [], "it has made nothing"


def test_what_is_wrong_is_counted_and_the_status_is_1(
    slotline: Slotline, monkeypatch: pytest.MonkeyPatch, broker: str, use_catalog: UseCatalog
) -> None:
    use_catalog('[models.mine]\nadapter = "kokoro"\npath = "nowhere"\n')
    monkeypatch.setenv("SLOTLINE_STOER_URL", "/x")
    said = slotline("doctor", "--json")
    found = json.loads(said.out)
    assert (said.status, found["healthy"]) == (1, False)
    faults = {
        (one["about"], one["what"].split(":")[0].split(" ")[0]) for one in found["findings"] if one["mark"] == "wrong"
    }
    assert faults == {("settings", "SLOTLINE_STOER_URL"), ("broker", "Redis"), ("model", "mine")}
    assert {one["about"] for one in found["findings"]} > {"workers", "store", "catalog"}
    assert {*map(tuple, found["findings"])} == {("about", "mark", "what", "do")}


def test_a_catalog_that_cannot_be_read_is_a_line_and_the_rest_is_looked_at(
    slotline: Slotline, broker: str, use_catalog: UseCatalog
) -> None:
    path = use_catalog("[models.mine\n")
    lines = slotline("doctor").out.splitlines()
    assert any(line.startswith(f"✗ models        {path}: ") for line in lines)
    assert any(line.startswith("– workers") for line in lines)


def test_a_setting_that_cannot_be_used_is_a_line_and_what_needs_no_setting_is_looked_at(
    slotline: Slotline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLOTLINE_LEASE_S", "soon")
    said = slotline("doctor")
    *_, fault, last = said.out.splitlines()
    assert (said.status, last) == (1, "1 thing to repair")
    assert fault.startswith("✗ settings      SLOTLINE_LEASE_S='soon': ")
    assert "✓ Python" in said.out


def test_a_library_that_cannot_be_imported_is_a_line_after_those_of_the_packages(
    slotline: Slotline, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(chosen: object) -> None:
        raise ImportError("cannot import name 'x' from 'celery'")

    monkeypatch.setattr("workers.commands.doctor._with_settings", broken)
    monkeypatch.setattr("workers.doctor.declared.declared", lambda: Declared((), (), {}))
    *_, fault, last = slotline("doctor").out.splitlines()
    assert fault.startswith("✗ slotline      a part of it cannot be imported: cannot import name 'x' from 'celery' →")
    assert last == "1 thing to repair"
