"""The ledger's times are the settings' seconds, in milliseconds."""

from __future__ import annotations

import pytest

from tasks.flow.ledger import limits
from tasks.settings import settings


def test_each_limit_follows_its_setting(own_environment: None, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in (("SLOTLINE_JOB_TTL_S", "90"), ("SLOTLINE_RETRY_S", "0.25"), ("SLOTLINE_LEASE_S", "1.5")):
        monkeypatch.setenv(name, seconds)
    settings.cache_clear()
    assert (limits.ttl_ms(), limits.retry_ms()) == (90_000, 250)
    assert limits.wait_ms() == 3_000, "two leases: by then whoever computes it has ended, or lost its lease"
