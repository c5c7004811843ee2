"""How the steps call the two instances of an adapter: here in this process, in `process.py` in a process each."""

from __future__ import annotations

from typing import Any, Protocol

from tasks.catalog import ModelEntry
from workers.conformance.computes import Computes
from workers.conformance.looks import Looks


class Lost(Exception):
    """The process has died, or did not answer in time and was ended; the message says which."""


class Side(Protocol):
    """One of the two instances."""

    def call(self, method: str, *arguments: Any, limit_s: float) -> Any:
        """What that method gives. Raises `CallFailed`, or `Lost`; the next call then needs `begin`."""

    @property
    def is_there(self) -> bool:
        """Whether there is an instance to call."""

    def begin(self) -> None:
        """Have a new instance, in a new process if it has one."""

    def end(self) -> None:
        """End the process, if there is one."""


class Here:
    """An instance in this process."""

    def __init__(self, kind: type[Computes] | type[Looks], entry: ModelEntry, device: str) -> None:
        self._kind, self._entry, self._device = kind, entry, device
        self._made: Computes | Looks | None = None

    @property
    def is_there(self) -> bool:
        """Whether `begin` was called."""
        return self._made is not None

    def begin(self) -> None:
        """Make it."""
        self._made = self._kind(self._entry, self._device)

    def call(self, method: str, *arguments: Any, limit_s: float) -> Any:
        """Call it; the limit is not kept."""
        return getattr(self._made, method)(*arguments)

    def end(self) -> None:
        """Let go of it."""
        self._made = None
