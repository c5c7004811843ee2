"""Cards that no machine of ours has, behind a fake of NVIDIA's library; all of slotline's own code is the real one."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import redis

from tasks.catalog import catalog
from tests.unit.workers.slots.driver import pynvml
from workers.slots.plan import GB

DRIVER = Path(pynvml.__file__).parent

CATALOG = """
[models.viettts]
adapter = "card"
takes_gb = 7.4
memory_gb = 7.5

[models.bart]
adapter = "card"
takes_gb = 1.5
memory_gb = 1.5

[models.slow]
adapter = "card"
takes_gb = 7.4
memory_gb = 7.5
load_seconds = 1.5

[models.hasty]
adapter = "card"
load_limit_s = 2

[models.silence]
adapter = "rehearsal"
"""

MIB = 1024 * 1024

# Totals as the driver tells them, in bytes; a card of «24 GB» shows a little less or more.
RTX_4090 = {"uuid": "GPU-4090", "name": "NVIDIA GeForce RTX 4090", "total": 24564 * MIB}
RTX_3090 = {"uuid": "GPU-3090", "name": "NVIDIA GeForce RTX 3090", "total": 24576 * MIB}
RTX_3080 = {"uuid": "GPU-3080", "name": "NVIDIA GeForce RTX 3080", "total": 10240 * MIB}
RTX_3070 = {"uuid": "GPU-3070", "name": "NVIDIA GeForce RTX 3070", "total": 8192 * MIB}
H200 = {"uuid": "GPU-h200", "name": "NVIDIA H200", "total": 143771 * MIB}
SLICED = {
    "uuid": "GPU-96",
    "name": "NVIDIA RTX PRO 6000 Blackwell Server Edition",
    "total": 97887 * MIB,
    "slices": [
        {"uuid": f"MIG-{n}", "name": "NVIDIA RTX PRO 6000 Blackwell Server Edition MIG 1g.24gb", "total": 24192 * MIB}
        for n in range(4)
    ],
}


@dataclass
class Cards:
    """The fake driver's folder."""

    folder: Path

    def plug(self, *cards: dict[str, Any]) -> None:
        """These cards and no other."""
        (self.folder / "cards.json").write_text(json.dumps(cards))

    def drive(self, version: str, cuda: int) -> None:
        """This driver; `cuda` is the newest CUDA that it runs, as the driver tells it: 12020 for 12.2."""
        (self.folder / "driver.json").write_text(json.dumps({"version": version, "cuda": cuda}))

    def take(self, uuid: str, pid: int, size_gb: float) -> None:
        """A process takes so much of a card in all, for as long as it lives."""
        (self.folder / f"{uuid}.{pid}").write_text(str(int(size_gb * GB)))

    def journal(self) -> list[dict[str, Any]]:
        """What the models' children did."""
        path = self.folder / "journal"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@pytest.fixture
def cards(tmp_path: Path, own_environment: None, monkeypatch: pytest.MonkeyPatch) -> Cards:
    """A machine with a driver and no card yet; this process and those that it starts see it."""
    folder = tmp_path / "cards"
    plugin = tmp_path / "plugins" / "card-1.dist-info"
    folder.mkdir()
    plugin.mkdir(parents=True)
    (plugin / "METADATA").write_text("Metadata-Version: 2.1\nName: card\nVersion: 1\n")
    (plugin / "entry_points.txt").write_text("[slotline.adapters]\ncard = tests.unit.workers.slots.driver.card:Card\n")
    (tmp_path / "models.toml").write_text(CATALOG)
    monkeypatch.setitem(sys.modules, "pynvml", pynvml)
    monkeypatch.syspath_prepend(str(plugin.parent))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(DRIVER), str(plugin.parent)]))
    monkeypatch.setenv("FAKE_GPUS", str(folder))
    monkeypatch.setenv("SLOTLINE_MODELS", str(tmp_path / "models.toml"))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    catalog.cache_clear()
    found = Cards(folder)
    found.plug()
    return found


@pytest.fixture
def raw(broker: str) -> Iterator[redis.Redis]:
    """A client that answers in bytes, as a worker's does."""
    with redis.Redis.from_url(broker) as client:
        yield client


@pytest.fixture
def child_of(children_of: Callable[[int], list[int]]) -> Callable[[int], int]:
    """`child_of(pid)`: the pid of a worker's one child."""

    def only(pid: int) -> int:
        (child,) = children_of(pid)
        return child

    return only
