"""A store, on the disk of this machine and in memory."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from tasks.store.artifacts import Store


@pytest.fixture(params=["local", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return Store(str(tmp_path / "store") if request.param == "local" else f"memory://{secrets.token_hex(8)}/deep")
