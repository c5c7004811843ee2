"""What the tests of the duties share: a slot worker's pool without a process."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.unit.workers.parent.small_slot import SmallSlot
from workers.idle_timeout import NEVER
from workers.parent.pool import SlotPool


@pytest.fixture
def slot(own_environment: None) -> Iterator[SmallSlot]:
    """A slot over a scripted child; a batch takes two requests."""
    made = SmallSlot()
    yield made
    made.close()


@pytest.fixture
def pool(slot: SmallSlot) -> Any:
    """The pool of that slot, as duties know it."""
    made: Any = SlotPool.__new__(SlotPool)
    for name in ("dispatcher", "supervisor", "losses", "flight", "hand_over", "watch"):
        setattr(made, name, getattr(slot, name))
    made.spec = slot.supervisor.spec
    made.idle_timeout = NEVER
    return made
