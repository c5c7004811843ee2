"""What results become on a disk: an audio artifact, a text, or any other artifact as it is. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from tasks.messages.base import Message


class Audio(Message):
    """An audio artifact: `frames` samples of mono sound at `sample_rate` Hz."""

    artifact: str
    sample_rate: int
    frames: int
    bytes: int

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.frames / self.sample_rate


@dataclass(frozen=True)
class StoredFile:
    """An artifact that is written byte for byte, with that ending (without the dot)."""

    artifact: str
    extension: str


Content: TypeAlias = "Audio | StoredFile | str"
"""An audio artifact in whatever format is asked for, another artifact as it is, or a text in UTF-8."""


@dataclass(frozen=True)
class ResultFile:
    """One file that a result becomes. `title` names it where it is one of many; it may be empty."""

    content: Content
    title: str = ""
