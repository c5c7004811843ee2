"""The fixtures of the child's tests: a ledger without pauses between tries, the rehearsal as a slot's one model."""

from __future__ import annotations

from tests.unit.workers.child.conftest import ledger, models

__all__ = ["ledger", "models"]
