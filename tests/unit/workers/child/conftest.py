"""A ledger without pauses between tries, and the rehearsal as a slot's one model."""

from __future__ import annotations

from typing import Any

import pytest

from tasks.flow.ledger import Ledger
from tasks.settings import settings
from tests.unit.workers.child.rehearsals import OneRehearsal


@pytest.fixture
def ledger(raw_redis: Any, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    monkeypatch.setenv("SLOTLINE_RETRY_S", "0")
    settings.cache_clear()
    return Ledger(raw_redis)


@pytest.fixture
def models() -> OneRehearsal:
    return OneRehearsal()
