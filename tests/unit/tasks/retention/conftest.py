"""What the tests of retention share: a ledger, and a store whose artifacts are as old as a test says."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tasks.flow.ledger import Ledger
from tasks.store.artifacts import Store, name_of

NOW_S = float(int(time.time()))
HOUR_S = 3600.0

Put = Callable[..., str]


@pytest.fixture
def ledger(raw_redis: Any) -> Ledger:
    return Ledger(raw_redis)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "store"))


@pytest.fixture
def put(store: Store, tmp_path: Path) -> Put:
    """`put("a", hours=3, size=100)`: an artifact that was last used so long before `NOW_S`; returns its name."""

    def put_one(what: str, hours: float = 0.0, size: int = 1000, kind: str = "speech") -> str:
        name = name_of(kind, "wav", {"what": what})
        store.put_bytes(name, what[:1].encode() * size)
        for path in (tmp_path / "store" / kind).rglob(f"{Path(name).stem}*"):
            os.utime(path, (NOW_S - hours * HOUR_S,) * 2)
        return name

    return put_one
