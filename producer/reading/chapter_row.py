"""The progress of one chapter of a reading. Values only; `reading.py` sets them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from producer.reading.status import FailedPart
from tasks.flow.ledger.record import Record
from tasks.messages import ChapterResult

State = Literal["waiting", "open", "done", "failed"]


@dataclass
class ChapterRow:
    """One chapter. `paragraphs` and `parts` are 0 until they are known; durations in seconds."""

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
    def has_ended(self) -> bool:
        """Whether the chapter has ended."""
        return self.state in ("done", "failed")

    @property
    def is_found(self) -> bool:
        """Whether its audio is whole and was made before: nothing of it was computed in this job."""
        return self.state == "done" and self.audio_s > 0 and not self.computed

    @property
    def settled_chars(self) -> float:
        """How many of its characters have ended, estimated from its parts."""
        if self.has_ended:
            return self.chars
        return self.chars * self.settled / self.parts if self.parts else 0.0

    @property
    def computed_chars(self) -> float:
        """How many of its characters were computed in this job, estimated from its parts."""
        return self.chars * self.computed / self.parts if self.parts else 0.0

    def update(self, record: Record) -> None:
        """Set the counts from the chapter's own job, while the job is open."""
        self.state = "open"
        self.parts = record.total
        self.settled = record.done + record.failed + record.skipped
        self.computed = record.computed
        self.audio_s = record.measure.amount if record.measure else 0.0

    def complete(self, result: ChapterResult) -> None:
        """Set the counts from the chapter's result."""
        self.parts, self.settled, self.computed = result.parts, result.parts, result.computed
        self.paragraphs, self.skipped, self.audio_s = result.paragraphs, len(result.skipped), result.duration_s
