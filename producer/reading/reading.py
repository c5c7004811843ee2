"""The reading of a book: its job, the progress of each chapter, and its files, which are written as chapters end.

`step` looks once and writes the files of chapters that have ended; it draws nothing and never
waits. When the same book is read again with the same options, its open job is used again. So a
reading goes on after the command that started it has ended.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from producer.client import Client
from producer.files.audio import write_audio
from producer.files.names import numbered_name
from producer.job import Job
from producer.reading.chapter_row import ChapterRow
from producer.reading.eta import Eta
from producer.reading.request import ReadingRequest
from producer.reading.status import FailedPart, book_status, chapter_id, failed_parts
from producer.results import NOT_RECORDED, error_of
from tasks.errors import ArtifactMissing, SlotlineError
from tasks.messages import BookRequest, ChapterResult


class Reading:
    """One reading. `client` must use the broker and the store of the workers."""

    def __init__(self, client: Client, request: ReadingRequest) -> None:
        self.client = client
        self.request = request
        self.rows = [ChapterRow(number, chapter.title, len(chapter.text)) for number, chapter in request.chapters]
        self.job: Job | None = None
        self.is_taken_up = False
        self.ended = False
        self.error: SlotlineError | None = None
        """Why the whole job failed; failed parts are in the rows."""
        self._eta = Eta()

    @property
    def chars(self) -> int:
        """The number of characters."""
        return sum(row.chars for row in self.rows)

    @property
    def settled_chars(self) -> float:
        """The number of characters that have ended."""
        return sum(row.settled_chars for row in self.rows)

    @property
    def ended_chapters(self) -> int:
        """How many chapters have ended."""
        return sum(row.has_ended for row in self.rows)

    @property
    def has_failed(self) -> bool:
        """Whether anything is missing in the audio."""
        return self.error is not None or any(row.failures for row in self.rows)

    def left_s(self, now_s: float) -> float | None:
        """The estimated seconds until the end, or None while they are not known."""
        return self._eta.left_s(now_s, self.chars - self.settled_chars)

    def start(self) -> None:
        """Use the open job of the same reading, or submit one; raises `InvalidInput` before anything is sent.

        Raises `OtherStore` if live workers use another store than the client.
        """
        request = BookRequest.parse(self.request.fields())
        self.job, self.is_taken_up = self.client.take_up(request, self.request.digest)

    def step(self, now_s: float) -> list[ChapterRow]:
        """Look once; returns the chapters that have ended since the last look, after writing their files."""
        assert self.job is not None
        status = book_status(self.client.connection, self.job.id)
        for part, record in status.open.items():
            self.rows[part - 1].update(record)
        ended = [part for part in sorted(status.ended) if not self.rows[part - 1].has_ended]
        if ended:
            self._end_chapters(self.job.id, ended)
        self._eta.add(now_s, sum(row.computed_chars for row in self.rows))
        if status.final:
            self._end(status.final)
        elif not status.is_known:
            self.ended = True
            self.error = SlotlineError(NOT_RECORDED.format(self.job.id))
        return [self.rows[part - 1] for part in ended]

    def _end_chapters(self, job_id: str, parts: Sequence[int]) -> None:
        connection = self.client.connection
        with connection.speaking():
            outcomes = connection.ledger.queries.outcomes(job_id)
        for part in parts:
            chapter, row, outcome = chapter_id(job_id, part), self.rows[part - 1], outcomes[part]
            with connection.speaking():
                record = connection.ledger.queries.record(chapter)
            if record:
                row.wall_s = max(0.0, record.ended - record.opened)
            has_failed = "error" in outcome
            if has_failed:
                row.failures = failed_parts(connection, chapter, outcome["error"])
            # A chapter that failed may still have a result: the audio of its other parts.
            result = outcome.get("result") if has_failed else outcome
            if result:
                self._write(row, ChapterResult.parse(result))
            row.state = "failed" if has_failed or row.failures else "done"

    def _write(self, row: ChapterRow, result: ChapterResult) -> None:
        row.complete(result)
        if result.audio is None:
            return
        last = max(one.number for one in self.rows)
        path = self.request.folder / numbered_name(row.number, row.title, last, self.request.format)
        try:
            row.is_new_file = write_audio(self.client.store, result.audio, path, self.request.format)
        except ArtifactMissing as exc:
            self.client.connection.explain_missing(self.client.store, f"{row.title}: its audio is not read")
            row.failures.append(FailedPart(None, "", str(exc)))
        except SlotlineError as exc:
            row.failures.append(FailedPart(None, "", f"its file could not be written: {exc}"))
        else:
            row.path = path

    def _end(self, final: Mapping[str, Any]) -> None:
        self.ended = True
        if final["status"] == "SUCCESS":
            return
        if final["status"] == "REVOKED":
            self.error = SlotlineError("the job was cancelled")
        elif not any(row.failures for row in self.rows):
            # No chapter was opened: the request itself was refused.
            self.error = error_of(final.get("result"))
