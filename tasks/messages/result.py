"""What all results have in common: their kind, what was made in words, and which files it becomes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from tasks.messages.base import Message
from tasks.messages.files import ResultFile


class Result(Message):
    """What a task made. `kind` is each result's own word, by which its class is found (`tasks/messages/lookup.py`)."""

    is_folder: ClassVar[bool] = False
    """Whether it becomes a folder of files, and not one."""

    kind: str

    def words(self) -> str:
        """What was made, for a person: «12.3 s of audio»."""
        return self.kind

    def files(self, read_text: Callable[[str], str]) -> Sequence[ResultFile | None]:
        """What it becomes on a disk, in order; None where there is nothing to write. `read_text` reads a text artifact.

        Raises `InvalidInput` where one file is wanted and there is none.
        """
        return []
