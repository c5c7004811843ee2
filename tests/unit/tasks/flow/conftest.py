"""A ledger on the emptied broker; a part that failed is sent again without a pause."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from tasks.flow.ledger import Ledger
from tasks.settings import settings


@pytest.fixture
def ledger(raw_redis: Any, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    monkeypatch.setenv("SLOTLINE_RETRY_S", "0")
    settings.cache_clear()
    return Ledger(raw_redis)


@pytest.fixture
def unused_port() -> int:
    """A port of this machine at which nothing answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
