"""The interface for events of the slot's child: called by the supervisor, implemented by `duties/readiness.py`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from tasks.offers import Published
from workers.wire.messages import Loaded


class SlotListener(Protocol):
    """Events of the slot's child and its model; called in the event loop."""

    def ready(self, loaded: Loaded | None) -> None:
        """The model is loaded, for the first time or again; None: a lazy slot's child waits for its first job."""

    def offers(self, offer: Published) -> None:
        """A registry has sent its offer: the models in its folder now."""

    def holds(self) -> None:
        """What is loaded has changed, or a registry has said it again: the supervisor knows what."""

    def gone(self) -> None:
        """The child is dead and was collected."""

    def ran(self, failed: Sequence[str], worked: bool) -> None:
        """Something was computed: the parts on which the model itself failed, and whether it made any artifact."""

    def takes(self, parts: int) -> None:
        """The slot takes so many requests at once from now on."""

    def given_up(self, reason: str) -> None:
        """No child will be started any more."""


class NoListener:
    """The listener before the worker is connected; until then no message of the child is read."""

    def ready(self, loaded: Loaded | None) -> None:
        """Ignored."""

    def offers(self, offer: Published) -> None:
        """Ignored."""

    def holds(self) -> None:
        """Ignored."""

    def gone(self) -> None:
        """Ignored."""

    def ran(self, failed: Sequence[str], worked: bool) -> None:
        """Ignored."""

    def takes(self, parts: int) -> None:
        """Ignored."""

    def given_up(self, reason: str) -> None:
        """Ignored."""
