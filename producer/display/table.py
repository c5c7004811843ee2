"""The tables that commands print on stdout: readings, and what failed. Computes nothing."""

from __future__ import annotations

from collections.abc import Sequence

from producer.display.durations import duration, exact_duration
from producer.reading.chapter_row import ChapterRow
from producer.reading.reading import Reading
from tasks.flow.repair import Failure
from tasks.terminal.printable import one_line
from tasks.terminal.table import console, print_line, print_table

READINGS = ("chapter", "paragraphs", "skipped", "audio", "wall", "× real time", "path")
FAILURES = ("id", "words", "reason", "tries", "worker", "age")


def print_readings(readings: Sequence[Reading], wall_s: float) -> None:
    """Print a row for each chapter, a sum, and a line for each failed part."""
    lines = []
    for reading in readings:
        if len(readings) > 1:
            lines.append([reading.request.title])
        lines += [_cells(row) for row in reading.rows]
    rows = [row for reading in readings for row in reading.rows]
    audio_s = sum(row.audio_s for row in rows)
    total = [str(sum(row.paragraphs for row in rows)), str(sum(row.skipped for row in rows))]
    lines.append(["all", *total, exact_duration(audio_s), exact_duration(wall_s), _times(audio_s, wall_s)])
    print_table(READINGS, lines, wrapped=_wrapped("chapter", "path"), right=READINGS[1:-1])
    for reading in readings:
        for row in reading.rows:
            for failed in row.failures:
                part = f", part {failed.part} («{failed.words}»)" if failed.part is not None else ""
                title = one_line(reading.request.title)
                print_line(f"FAILED: {title}, chapter {row.number} «{one_line(row.title)}»{part}: {failed.reason}")


def print_failures(failures: Sequence[Failure], now_s: float, with_traceback: bool) -> None:
    """Print a row for each failure; with `with_traceback` also each traceback, below the table."""
    rows = [
        [
            failure.id,
            failure.words,
            failure.reason,
            str(failure.attempts or ""),
            failure.worker,
            duration(max(0.0, now_s - failure.at)),
        ]
        for failure in failures
    ]
    print_table(FAILURES, rows, wrapped=_wrapped("words", "reason", "worker"))
    for failure in failures if with_traceback else ():
        if failure.traceback:
            print_line(f"\n{failure.id}\n{failure.traceback}")


def _wrapped(*names: str) -> tuple[str, ...]:
    """The columns of long texts, which a terminal shows in several lines; a pipe gets one line per row."""
    return names if console().is_terminal else ()


def _cells(row: ChapterRow) -> list[str]:
    path = str(row.path) if row.path else "–"
    if not row.has_ended:
        return [f"{row.number} {row.title}", "–", "–", "–", "–", "–", path]
    return [
        f"{row.number} {row.title}",
        str(row.paragraphs),
        str(row.skipped),
        exact_duration(row.audio_s),
        exact_duration(row.wall_s),
        _pace(row),
        path,
    ]


def _pace(row: ChapterRow) -> str:
    """How fast it was made; in words if it was not made now."""
    if row.computed:
        return _times(row.audio_s, row.wall_s)
    if row.state == "failed":
        return "failed"
    return "found" if row.is_found else "–"


def _times(audio_s: float, wall_s: float) -> str:
    return f"{audio_s / wall_s:.1f}" if wall_s > 0 and audio_s > 0 else "–"
