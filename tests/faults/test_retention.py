"""A flow worker keeps the store small by itself, and a job that wants what was just removed computes it again."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from producer import Client
from tests.fixtures.environment import UseCatalog
from tests.fixtures.waiting import GIVE_UP_S
from tests.fixtures.workers import StartFlow, StartSlot

TEXT = "One two three.\n\nFour five six.\n\nSeven eight nine."
CATALOG = """
[models.quick]
adapter = "rehearsal"
"""


@pytest.fixture
def catalog_file(use_catalog: UseCatalog) -> Path:
    return use_catalog(CATALOG)


def test_the_least_recently_used_is_removed_and_computed_again_when_it_is_wanted(
    client: Client, catalog_file: Path, start_flow: StartFlow, start_slot: StartSlot, tmp_path: Path
) -> None:
    start_slot("quick")
    unlimited = start_flow()
    old = client.submit_chapter(TEXT, model="quick").wait(GIVE_UP_S)
    for path in (tmp_path / "store").rglob("*.wav*"):
        os.utime(path, (time.time() - 7200,) * 2)
    new = client.submit_chapter("Something else.", model="quick").wait(GIVE_UP_S)
    unlimited.stop()
    assert old.audio is not None
    assert new.audio is not None

    limited = start_flow(env={"SLOTLINE_STORE_MAX_GB": "0.00001"}, name="limited")
    limited.wait_for_log(r"retention: removed [34] artifacts, .* from ", 20)
    again = client.submit_chapter(TEXT, model="quick")
    made = again.wait(GIVE_UP_S)
    assert (made.computed, made.duration_s) == (3, old.duration_s)
    assert client.store.find(new.audio.artifact) is not None
    assert [path.name for path in again.save(tmp_path / "again.wav")] == ["again.wav"]
