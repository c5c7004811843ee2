"""The child as those see it that hand it work; `child_process.py` has the real one. A protocol, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol


class Child(Protocol):
    """The slot's one child, whichever process it is just now."""

    @property
    def has_child(self) -> bool:
        """Whether its process lives."""

    def kill(self, *, is_planned: bool = False) -> None:
        """End it at once; `is_planned`: it runs nothing, and its end is no error."""

    def apply_async(self, func: Callable[..., Any], args: tuple[Any, ...], **callbacks: Any) -> Any:
        """Hand a call over; what it is known by, or None where nothing is taken any more."""

    def is_sent(self, result: Any) -> bool:
        """Whether it is on its way to the child, or there."""

    def take_back(self, result: Any) -> None:
        """Forget a call that was not begun."""

    def hear(self, until: Callable[[], bool]) -> None:
        """Take in what the child has sent, until that holds, for a moment at most."""

    def flush(self) -> None:
        """Drop what was not sent."""
