"""The child as the dispatcher uses it; `child_process.py` implements it. Only a protocol."""

from __future__ import annotations

from typing import Protocol


class Child(Protocol):
    """The slot's one child; its process may be replaced."""

    @property
    def has_child(self) -> bool:
        """Whether its process lives."""

    def kill(self, *, is_planned: bool = False) -> None:
        """Kill it at once; `is_planned`: it runs nothing, and its end is not an error."""
