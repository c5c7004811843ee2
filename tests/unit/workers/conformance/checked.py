"""Runs the check on an adapter of these tests, in this process or in processes of its own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tasks.catalog import ModelEntry
from tests.unit.workers.conformance import broken
from workers.conformance.check import check
from workers.conformance.computes import Computes
from workers.conformance.looks import Looks
from workers.conformance.process import Process
from workers.conformance.side import Here, Side
from workers.conformance.slot import Limits, Slot
from workers.conformance.step import Checking, Line, Mark

LIMITS = Limits(60.0, 60.0, 60.0)


def entry_of(adapter: str, **options: Any) -> ModelEntry:
    """A table with that adapter."""
    return ModelEntry(name="tried", adapter=adapter, options=options, place="models.toml line 1: [models.tried]")


def install(folder: Path, adapters: dict[str, str]) -> None:
    """What an installation leaves in a folder of sys.path: the metadata of a package with these adapters."""
    metadata = folder / "tried-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: tried\nVersion: 1.0\n")
    lines = "\n".join(f"{name} = {place}" for name, place in adapters.items())
    (metadata / "entry_points.txt").write_text(f"[slotline.adapters]\n{lines}\n")


def own_adapters() -> dict[str, str]:
    """Name -> place of each adapter in `broken`."""
    found = [name for name, one in vars(broken).items() if isinstance(one, type) and one.__module__ == broken.__name__]
    return {name: f"{broken.__name__}:{name}" for name in found}


def here(entry: ModelEntry) -> Slot:
    """Both instances in this process."""
    return Slot(Here(Computes, entry, "cpu"), Here(Looks, entry, "cpu"), LIMITS)


def apart(entry: ModelEntry, limits: Limits = LIMITS) -> tuple[Slot, list[Side]]:
    """Each in a process of its own; to be ended."""
    sides: list[Side] = [Process("computes", entry, "cpu"), Process("looks", entry, "cpu")]
    return Slot(sides[0], sides[1], limits), sides


def lines_of(slot: Slot, entry: ModelEntry) -> dict[str, Line]:
    """The lines of the report, by their steps."""
    return {line.name: line for line in check(Checking(entry, slot))}


def check_faults(adapter: str, faults: Mapping[str, str | None]) -> None:
    """The steps that fail on an adapter are these, with these words in their lines (None: it may fail, too)."""
    entry = entry_of(adapter)
    found = wrong(lines_of(here(entry), entry))
    for name, words in faults.items():
        assert words is None or words in found.pop(name), found
    assert found.keys() <= faults.keys()


def wrong(lines: dict[str, Line]) -> dict[str, str]:
    """What is wrong, by its step."""
    return {name: line.words for name, line in lines.items() if line.mark is Mark.WRONG}
