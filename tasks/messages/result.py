"""The base class of all results: their kind, a description for people, and their files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from tasks.messages.base import Message
from tasks.messages.files import ResultFile


class Result(Message):
    """The result of a task. Its class is found by `kind` (`tasks/messages/lookup.py`)."""

    is_folder: ClassVar[bool] = False
    """Whether it is saved as a folder of files, not as one file."""

    kind: str

    def words(self) -> str:
        """A description for people: «12.3 s of audio»."""
        return self.kind

    def files(self, read_text: Callable[[str], str]) -> Sequence[ResultFile | None]:
        """Its files, in order; None for one that is missing. `read_text` reads a text artifact.

        Raises `InvalidInput` for a result of one file without content.
        """
        return []
