"""The store of a test's workers on the sick disk of `sick_store.py`, and the word that changes its mood."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import fsspec
import pytest

from tasks.settings import settings
from tests.faults.sick_store import SickStore
from tests.fixtures.processes import ROOT

Mood = Callable[[str], None]


def on_a_sick_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mood:
    """Let this process, and those that it starts later, use such a store. It is well; returns what changes its mood."""
    file = tmp_path / "mood"
    file.write_text("well")
    monkeypatch.setenv("SICK_MOOD", str(file))
    monkeypatch.setenv("SLOTLINE_STORE_URL", f"sick://{tmp_path}/store")
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "tests" / "faults" / "sick"))
    settings.cache_clear()
    fsspec.register_implementation("sick", SickStore, clobber=True)

    def become(words: str) -> None:
        draft = file.with_suffix(".new")
        draft.write_text(words)
        draft.replace(file)

    return become
