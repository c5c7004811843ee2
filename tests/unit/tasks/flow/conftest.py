"""A ledger on the emptied broker; a part that failed is sent again without a pause."""

from __future__ import annotations

from typing import Any

import pytest

from tasks.flow.ledger import Ledger
from tasks.settings import settings


@pytest.fixture
def ledger(raw_redis: Any, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    monkeypatch.setenv("SLOTLINE_RETRY_S", "0")
    settings.cache_clear()
    return Ledger(raw_redis)
