"""What the tests of the pipeline share: a slot without a process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.workers.parent.small_slot import SmallSlot


@pytest.fixture
def slot(own_environment: None) -> Iterator[SmallSlot]:
    """A slot whose losses reach no ledger."""
    made = SmallSlot()
    yield made
    made.close()
