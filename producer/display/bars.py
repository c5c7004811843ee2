"""Shows readings on stderr: bars on a terminal, plain lines elsewhere. Decides nothing."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from producer.display.durations import duration
from producer.reading.chapter_row import ChapterRow
from producer.reading.loop import Display
from producer.reading.reading import Reading
from tasks.terminal.lines import LineDisplay
from tasks.terminal.printable import counted, one_line, shortened

PLAIN_EVERY_S = 15.0
TITLE_CHARS = 40


def display(console: Console) -> Display:
    """Bars on a terminal, lines elsewhere."""
    return Bars(console) if console.is_terminal else Lines(console)


def chapter_words(reading: Reading, row: ChapterRow) -> str:
    """One line about a chapter that has ended."""
    name = one_line(f"{reading.request.title}: {row.number} {row.title}")
    if row.path is None:
        return f"{name}: FAILED: {row.failures[0].reason}" if row.failures else f"{name}: nothing to speak"
    made = ", found in the store" if row.is_found else ""
    where = f" -> {row.path}" + ("" if row.is_new_file else " (was there)")
    failed = f", {len(row.failures)} FAILED" if row.failures else ""
    return f"{name}: {counted(row.paragraphs, 'paragraph')}, {duration(row.audio_s)} of audio{made}{failed}{where}"


class Lines(LineDisplay):
    """A line when a chapter ends, and one every few seconds."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._last_s: float | None = None

    def ended(self, reading: Reading, row: ChapterRow) -> None:
        """Name the chapter and its file."""
        self.note(chapter_words(reading, row))

    def update(self, readings: Sequence[Reading], now_s: float) -> None:
        """Print the progress of the open books, at most every few seconds."""
        if self._last_s is None:
            self._last_s = now_s
        if now_s - self._last_s < PLAIN_EVERY_S:
            return
        self._last_s = now_s
        for reading in readings:
            if not reading.ended:
                done = reading.ended_chapters
                share = reading.settled_chars / max(reading.chars, 1)
                left = duration(reading.left_s(now_s))
                title, chapters = one_line(reading.request.title), counted(len(reading.rows), "chapter")
                self.note(f"{title}: {share:.0%}, {done} of {chapters}, {left} left")


class Bars(LineDisplay):
    """A bar for each book, with the time left, and a bar for each of its open chapters."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=30),
            TextColumn("{task.percentage:>3.0f}%"),
            TextColumn("{task.fields[count]}", markup=False),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}", markup=False),
            console=console,
        )
        self._books: dict[int, TaskID] = {}
        self._chapters: dict[tuple[int, int], TaskID] = {}

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def ended(self, reading: Reading, row: ChapterRow) -> None:
        """Name the chapter and its file, above the bars."""
        self.note(chapter_words(reading, row))

    def update(self, readings: Sequence[Reading], now_s: float) -> None:
        """Move every bar."""
        for place, reading in enumerate(readings):
            self._move_book(place, reading, now_s)
            for row in reading.rows:
                self._move_chapter(place, row)

    def _move_book(self, place: int, reading: Reading, now_s: float) -> None:
        if place not in self._books:
            self._books[place] = self._bars.add_task(shortened(reading.request.title, TITLE_CHARS), count="", left="")
        done = reading.ended_chapters
        self._bars.update(
            self._books[place],
            total=reading.chars,
            completed=reading.settled_chars,
            count=f"{done}/{counted(len(reading.rows), 'chapter')}",
            left="" if reading.ended else f"{duration(reading.left_s(now_s))} left",
        )

    def _move_chapter(self, place: int, row: ChapterRow) -> None:
        known = (place, row.number)
        if row.state == "open":
            if known not in self._chapters:
                name = shortened(f"{row.number} {row.title}", TITLE_CHARS)
                self._chapters[known] = self._bars.add_task(f"  {name}", count="", left="")
            count = f"{row.settled}/{counted(row.parts, 'part')}"
            self._bars.update(self._chapters[known], total=row.parts, completed=row.settled, count=count)
        elif known in self._chapters:
            self._bars.remove_task(self._chapters.pop(known))
