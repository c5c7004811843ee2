"""What a person asks to have read: chapters of a book, how, and where their files go. Values only."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from producer.books.formats.book import Chapter
from tasks.messages import Speaking


@dataclass(frozen=True)
class ReadingRequest:
    """Chapters with their numbers in the book, how to speak them, and the folder and format of their files."""

    source: Path
    title: str
    chapters: Sequence[tuple[int, Chapter]]
    speaking: Speaking
    folder: Path
    format: str

    @property
    def voice(self) -> str | None:
        """The voice that is asked for; None means the model's own."""
        return self.speaking.voice

    def fields(self) -> dict[str, Any]:
        """The fields of the book's `BookRequest`."""
        return {
            "title": self.title,
            **self.speaking.model_dump(),
            "chapters": [{"title": chapter.title, "text": chapter.text} for _, chapter in self.chapters],
        }

    @property
    def digest(self) -> str:
        """Names the reading: the same words, read the same way, are the same reading, wherever the file lies."""
        fields = json.dumps(self.fields(), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(fields.encode()).hexdigest()[:32]
