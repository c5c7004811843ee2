"""One book being read: its job, how far each chapter is, and its files, which are written as chapters end.

`step` looks once and writes what has ended since; it draws nothing and never waits. The
same book read again with the same options finds its open job, so a reading survives
whoever asked for it.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from producer import files
from producer.books.formats.book import Chapter
from producer.client import Client
from producer.job import Job
from producer.reading import status as follow
from producer.reading.eta import Eta
from producer.reading.status import FailedPart, Look
from producer.results import error_of
from tasks.errors import SlotlineError
from tasks.flow.ledger.record import Record
from tasks.messages import ChapterResult

State = Literal["waiting", "open", "done", "failed"]


@dataclass(frozen=True)
class Wish:
    """What a person wants read: chapters with their numbers in the book, how, and where to."""

    source: Path
    title: str
    chapters: Sequence[tuple[int, Chapter]]
    model: str
    voice: str | None
    speed: float
    folder: Path
    format: str

    @property
    def request(self) -> dict[str, Any]:
        """The fields of the book's request."""
        return {
            "title": self.title,
            "model": self.model,
            "voice": self.voice,
            "speed": self.speed,
            "chapters": [{"title": chapter.title, "text": chapter.text} for _, chapter in self.chapters],
        }

    @property
    def digest(self) -> str:
        """Names the reading: the same words, read the same way, are the same reading, wherever the file lies."""
        told = json.dumps(self.request, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(told.encode()).hexdigest()[:32]


@dataclass
class ChapterRow:
    """How far a chapter is. `paragraphs` and `parts` are 0 until they are known; durations in seconds."""

    number: int
    title: str
    chars: int
    state: State = "waiting"
    parts: int = 0
    settled: int = 0
    computed: int = 0
    paragraphs: int = 0
    skipped: int = 0
    audio_s: float = 0.0
    wall_s: float = 0.0
    path: Path | None = None
    is_new_file: bool = False
    failures: list[FailedPart] = field(default_factory=list)

    @property
    def settled_chars(self) -> float:
        """Characters that have come to an end, as far as parts tell."""
        if self.state in ("done", "failed"):
            return self.chars
        return self.chars * self.settled / self.parts if self.parts else 0.0

    @property
    def computed_chars(self) -> float:
        """Characters that were computed, not found."""
        return self.chars * self.computed / self.parts if self.parts else 0.0


class Reading:
    """A wish under way. `client` must reach the broker of the workers, and their store."""

    def __init__(self, client: Client, wish: Wish) -> None:
        self.client = client
        self.wish = wish
        self.rows = [ChapterRow(number, chapter.title, len(chapter.text)) for number, chapter in wish.chapters]
        self.job: Job | None = None
        self.is_taken_up = False
        self.ended = False
        self.error: SlotlineError | None = None
        """Why the job failed as a whole; parts that failed are in the rows."""
        self._eta = Eta()

    @property
    def chars(self) -> int:
        """Characters in all."""
        return sum(row.chars for row in self.rows)

    @property
    def settled_chars(self) -> float:
        """Characters that have come to an end."""
        return sum(row.settled_chars for row in self.rows)

    @property
    def has_failed(self) -> bool:
        """Whether anything that should be heard is missing."""
        return self.error is not None or any(row.failures for row in self.rows)

    def left_s(self, now_s: float) -> float | None:
        """Seconds that it will still take at this run's pace, or None while that is unknown."""
        return self._eta.left_s(now_s, self.chars - self.settled_chars)

    def start(self) -> None:
        """Take up the open job of the same reading, or submit one; raises `InvalidInput` before anything is sent."""
        with self.client.connection.speaking():
            record = self.client.ledger.queries.reading(self.wish.digest)
        if record is not None and record.state != "ended":
            self.job, self.is_taken_up = Job(self.client.connection, self.client.store, record.job_id), True
            return
        job_id = str(uuid.uuid4())
        # Named before it is sent: whoever is cut off in between finds no job of that name, and sends one.
        with self.client.connection.speaking():
            self.client.ledger.transitions.name_reading(self.wish.digest, job_id)
        request = self.wish.request
        self.job = self.client.submit_book(request.pop("chapters"), job_id=job_id, **request)

    def step(self, now_s: float) -> list[ChapterRow]:
        """Look once; the chapters that ended since the last look, their files written."""
        assert self.job is not None
        look = follow.look(self.client, self.job.id)
        for part, record in look.open.items():
            _open(self.rows[part - 1], record)
        fresh = [part for part in sorted(look.ended) if self.rows[part - 1].state not in ("done", "failed")]
        if fresh:
            self._settle(fresh)
        self._eta.add(now_s, sum(row.computed_chars for row in self.rows))
        if look.final:
            self._end(look)
        return [self.rows[part - 1] for part in fresh]

    def _settle(self, fresh: Sequence[int]) -> None:
        assert self.job is not None
        with self.client.connection.speaking():
            outcomes = self.client.ledger.queries.outcomes(self.job.id)
        for part in fresh:
            row, outcome = self.rows[part - 1], outcomes[part]
            chapter_id = follow.chapter_id(self.job.id, part)
            with self.client.connection.speaking():
                record = self.client.ledger.queries.record(chapter_id)
            if record:
                row.wall_s = max(0.0, record.ended - record.opened)
            told = outcome.get("result") if "error" in outcome else outcome
            if "error" in outcome:
                row.failures = follow.failures(self.client, chapter_id, outcome["error"])
            if told:
                self._write(row, ChapterResult.parse(told))
            row.state = "failed" if "error" in outcome or row.failures else "done"

    def _write(self, row: ChapterRow, result: ChapterResult) -> None:
        row.parts, row.settled, row.computed = result.parts, result.parts, result.computed
        row.paragraphs, row.skipped, row.audio_s = result.paragraphs, len(result.skipped), result.duration_s
        if result.audio is None:
            return
        last = max(one.number for one in self.rows)
        path = self.wish.folder / files.chapter_name(row.number, row.title, last, self.wish.format)
        try:
            row.is_new_file = files.write(self.client.store, result.audio, path, self.wish.format)
        except SlotlineError as exc:
            row.failures.append(FailedPart(None, "", f"its file could not be written: {exc}"))
        else:
            row.path = path

    def _end(self, look: Look) -> None:
        self.ended = True
        assert look.final is not None
        if look.final["status"] == "SUCCESS":
            return
        if look.final["status"] == "REVOKED":
            self.error = SlotlineError("the job was cancelled")
        elif not any(row.failures for row in self.rows):
            # Nothing of it was opened: the request itself was refused.
            self.error = error_of(look.final.get("result"))


def _open(row: ChapterRow, record: Record) -> None:
    row.state = "open"
    row.parts = record.total
    row.settled = record.done + record.failed + record.skipped
    row.computed = record.computed
    row.audio_s = record.audio_s
