"""What to read: chapters of a book, how to speak them, and where to write their files. Values only."""

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
        """The requested voice; None means the model's default."""
        return self.speaking.voice

    def fields(self) -> dict[str, Any]:
        """The fields of the book's `BookRequest`."""
        return {
            "title": self.title,
            **self.speaking.model_dump(exclude=set() if self.speaking.timeout_s else {"timeout_s"}),
            "chapters": [{"title": chapter.title, "text": chapter.text} for _, chapter in self.chapters],
        }

    @property
    def digest(self) -> str:
        """Identifies the reading: the same text with the same options is the same reading, from any file."""
        fields = json.dumps(self.fields(), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(fields.encode()).hexdigest()[:32]
