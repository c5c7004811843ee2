"""The tables that commands print on stdout: readings, jobs, failures. Computes nothing."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from producer.display.durations import duration, exact_duration
from producer.reading.chapter_row import ChapterRow
from producer.reading.reading import Reading
from tasks.flow.ledger.record import Record
from tasks.flow.repair import Failure

PIPED_COLUMNS = 240
"""So wide that no path is broken into two lines."""


def console() -> Console:
    """Stdout; wide if it is not a terminal."""
    plain = Console()
    return plain if plain.is_terminal else Console(width=PIPED_COLUMNS)


def print_readings(readings: Sequence[Reading], wall_s: float) -> None:
    """Print a row for each chapter, a sum, and a line for each failed part."""
    table = Table(box=None, pad_edge=False)
    for name in ("chapter", "paragraphs", "skipped", "audio", "wall", "× real time", "path"):
        table.add_column(name, justify="left" if name in ("chapter", "path") else "right", overflow="fold")
    for reading in readings:
        if len(readings) > 1:
            table.add_row(Text(reading.request.title))
        for row in reading.rows:
            table.add_row(*_cells(row))
    rows = [row for reading in readings for row in reading.rows]
    audio_s = sum(row.audio_s for row in rows)
    total = [str(sum(row.paragraphs for row in rows)), str(sum(row.skipped for row in rows))]
    table.add_row("all", *total, exact_duration(audio_s), exact_duration(wall_s), _times(audio_s, wall_s))
    out = console()
    out.print(table)
    for reading in readings:
        for row in reading.rows:
            for failed in row.failures:
                part = f", part {failed.part} («{failed.words}»)" if failed.part is not None else ""
                line = f"FAILED: {reading.request.title}, chapter {row.number} «{row.title}»{part}: {failed.reason}"
                out.print(line, markup=False, highlight=False, soft_wrap=True)


def print_jobs(records: Sequence[Record], now_s: float) -> None:
    """Print a row for each job."""
    table = Table("id", "kind", "title", "model", "state", "parts", "failed", "age", box=None, pad_edge=False)
    for record in records:
        done = record.done + record.failed + record.skipped
        age = duration(max(0.0, now_s - record.submitted))
        parts = f"{done}/{record.total}" if record.total else "–"
        title = record.title if len(record.title) <= 40 else record.title[:39] + "…"
        failed = str(record.failed) if record.failed else ""
        named = [Text(word) for word in (record.job_id, record.kind, title, record.model)]
        table.add_row(*named, record.label.lower(), parts, failed, age)
    console().print(table)


def print_failures(failures: Sequence[Failure], now_s: float, with_traceback: bool) -> None:
    """Print a row for each failure; with `with_traceback` also each traceback, below the table."""
    table = Table("id", "words", "reason", "tries", "worker", "age", box=None, pad_edge=False)
    for failure in failures:
        age = duration(max(0.0, now_s - failure.at))
        named = [Text(word) for word in (failure.id, failure.words, failure.reason)]
        table.add_row(*named, str(failure.attempts or ""), failure.worker, age)
    out = console()
    out.print(table)
    for failure in failures if with_traceback else ():
        if failure.traceback:
            out.print(f"\n{failure.id}\n{failure.traceback}", markup=False, highlight=False, soft_wrap=True)


def _cells(row: ChapterRow) -> list[str | Text]:
    computed = row.computed > 0
    return [
        Text(f"{row.number} {row.title}"),
        str(row.paragraphs),
        str(row.skipped),
        exact_duration(row.audio_s),
        exact_duration(row.wall_s),
        _times(row.audio_s, row.wall_s) if computed else "found",
        Text(str(row.path)) if row.path else "–",
    ]


def _times(audio_s: float, wall_s: float) -> str:
    return f"{audio_s / wall_s:.1f}" if wall_s > 0 and audio_s > 0 else "–"
