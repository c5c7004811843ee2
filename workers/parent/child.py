"""The child as the dispatcher uses it; `child_process.py` implements it. Only a protocol."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol


class Child(Protocol):
    """The slot's one child; its process may be replaced."""

    @property
    def has_child(self) -> bool:
        """Whether its process lives."""

    def kill(self, *, is_planned: bool = False) -> None:
        """Kill it at once; `is_planned`: it runs nothing, and its end is not an error."""

    def apply_async(self, func: Callable[..., Any], args: tuple[Any, ...], **callbacks: Any) -> Any:
        """Send a call; returns its handle, or None if the pool takes no calls any more."""

    def is_sent(self, result: Any) -> bool:
        """Whether the call was written to the child."""

    def take_back(self, result: Any) -> None:
        """Drop a call that has not begun."""

    def hear(self, until: Callable[[], bool]) -> None:
        """Read the child's messages until `until()` is true, for a short time at most."""

    def flush(self) -> None:
        """Drop all calls that were not written."""
