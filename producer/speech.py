"""The methods of `Client` for speech: a text, a chapter or a book, and when a text is spoken in a sound.

Builds requests; does not send them itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from producer.files.pieces import read_pieces
from producer.job import Job
from producer.submitter import Submitter
from tasks.media.pieces import Pieces
from tasks.messages import (
    Audio,
    BookRequest,
    BookResult,
    ChapterRequest,
    ChapterResult,
    ParagraphRequest,
    ParagraphResult,
)


class SpeechClient(Submitter):
    """Submits speech. Every method raises `InvalidInput` before anything is sent."""

    def submit_paragraph(self, text: str, *, model: str, **options: Any) -> Job[ParagraphResult]:
        """Submit a text that one slot speaks at once; `options` are the other fields of `ParagraphRequest`."""
        return self.submit(ParagraphRequest.parse({"text": text, "model": model, **options}))

    def submit_chapter(self, text: str, *, model: str, **options: Any) -> Job[ChapterResult]:
        """Submit a text of any length, for one file; `options` are the other fields of `ChapterRequest`."""
        return self.submit(ChapterRequest.parse({"text": text, "model": model, **options}))

    def submit_book(
        self, chapters: Iterable[Mapping[str, Any]], *, model: str, job_id: str | None = None, **options: Any
    ) -> Job[BookResult]:
        """Submit chapters (`title`, and `text` or `text_ref`) in order; each becomes one file.

        `options` are the other fields of `BookRequest`. If `job_id` is recorded already,
        nothing is sent.
        """
        given = [dict(one) for one in chapters]
        return self.submit(BookRequest.parse({"chapters": given, "model": model, **options}), job_id)

    def pieces(self, audio: Audio | str) -> Pieces:
        """When each piece of the text is spoken in a sound, which a result names, or the error of a failed chapter.

        From the store. A sound of an older version has one piece, without a text. Raises `ArtifactMissing`,
        `InvalidInput` for another artifact, and `OtherStore`.
        """
        self.check_store("the pieces are not read")
        return read_pieces(self.store, audio if isinstance(audio, str) else audio.artifact)
