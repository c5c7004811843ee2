"""The files of a result on a disk: audio, a text, or another artifact unchanged. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from tasks.media.pieces import Pieces
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
    """An artifact that is written unchanged, with this file extension (without the dot)."""

    artifact: str
    extension: str


@dataclass(frozen=True)
class Archive:
    """A zip archive whose files, with this extension, are written unpacked into a folder, by the names in it."""

    artifact: str
    extension: str


Content: TypeAlias = "Audio | StoredFile | Archive | str"
"""An audio artifact, written in the requested format; another artifact, written unchanged or unpacked; or a text."""


@dataclass(frozen=True)
class ResultFile:
    """One file of a result. If there are many, `title` is used in the file's name; it may be empty.

    `pieces` say when its text is spoken, if the result has them.
    """

    content: Content
    title: str = ""
    pieces: Pieces | None = None
