"""A ledger on the emptied broker; a part that failed is sent again without a pause."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from redis import Redis

from tasks.flow.ledger import Ledger
from tasks.settings import settings


@pytest.fixture
def ledger(broker: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ledger]:
    monkeypatch.setenv("SLOTLINE_RETRY_S", "0")
    settings.cache_clear()
    with Redis.from_url(broker) as client:
        yield Ledger(client)
