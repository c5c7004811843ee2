"""What the tests of the parent share: a slot without a process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from tasks.flow.ledger import Ledger
from tests.unit.workers.parent.small_slot import SmallSlot


@pytest.fixture
def slot(own_environment: None) -> Iterator[SmallSlot]:
    """A slot whose losses reach no ledger."""
    made = SmallSlot()
    yield made
    made.close()


@pytest.fixture
def recorded_slot(broker: str) -> Iterator[SmallSlot]:
    """A slot with a ledger."""
    with redis.Redis.from_url(broker) as client:
        made = SmallSlot(lambda: Ledger(client))
        yield made
        made.close()
