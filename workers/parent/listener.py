"""Who hears from the supervisor how the slot's child fares. `workers/duties/readiness.py` implements it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from tasks.offers import Published
from workers.wire.messages import Loaded


class SlotListener(Protocol):
    """What may happen to the slot's child and its model; called in the event loop."""

    def ready(self, loaded: Loaded | None) -> None:
        """The model is loaded, for the first time or again; None: the child of a lazy slot stands by for its load."""

    def offers(self, offer: Published) -> None:
        """Which models a registry's folder holds now."""

    def gone(self) -> None:
        """The child is dead and collected."""

    def ran(self, failed: Sequence[str], worked: bool) -> None:
        """A batch ended: on which parts the model failed by its own fault, and whether it made any."""

    def given_up(self, reason: str) -> None:
        """No child is started any more."""


class NoListener:
    """In place of a listener until the worker is connected; before that nothing is read of what the child sends."""

    def ready(self, loaded: Loaded | None) -> None:
        """Not heard."""

    def offers(self, offer: Published) -> None:
        """Not heard."""

    def gone(self) -> None:
        """Not heard."""

    def ran(self, failed: Sequence[str], worked: bool) -> None:
        """Not heard."""

    def given_up(self, reason: str) -> None:
        """Not heard."""
