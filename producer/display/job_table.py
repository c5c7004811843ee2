"""The table of `slotline jobs`: a row for each job, books above their chapters. Reads nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from producer.display.durations import duration
from tasks.estimates.estimate import Estimate
from tasks.flow.ledger.record import Record
from tasks.pauses import Pause
from tasks.terminal.printable import one_line, shortened
from tasks.terminal.table import console, print_line, print_table

HEAD = ("id", "kind", "title", "model", "state", "parts", "failed", "left", "age")
REASON = "reason"
TITLE_CHARS = 40


def arranged(records: Sequence[Record]) -> list[Record]:
    """The records in their order, but each job that is a part of another one below that one, by part. Pure."""
    listed = {record.job_id for record in records}
    below: dict[str, list[Record]] = defaultdict(list)
    top = []
    for record in records:
        if record.parent_job in listed:
            below[str(record.parent_job)].append(record)
        else:
            top.append(record)
    found: list[Record] = []
    ahead = top[::-1]
    while ahead:
        record = ahead.pop()
        found.append(record)
        ahead += sorted(below[record.job_id], key=lambda one: -(one.parent_part or 0))
    return found


def print_jobs(
    records: Sequence[Record], now_s: float, pauses: Mapping[str, Pause], estimates: Mapping[str, Estimate]
) -> None:
    """Print a row for each job. Why jobs failed is a column in a pipe, and lines below the table on a terminal.

    The time left is empty for a job that has ended, and a dash while it is not known.
    The state of an open job says when its model is paused, and a line below the table since when.
    """
    held_up = {record.model: pauses[record.model] for record in records if _is_held_up(record, pauses)}
    reasons = {record.job_id: _reason(record) for record in records}
    in_rows = any(reasons.values()) and not console().is_terminal
    rows = [
        [*_cells(record, now_s, _is_held_up(record, pauses), estimates), *([reasons[record.job_id]] if in_rows else [])]
        for record in records
    ]
    print_table((*HEAD, REASON) if in_rows else HEAD, rows, shortened={"title"})
    for job_id, reason in reasons.items():
        if reason and not in_rows:
            print_line(f"FAILED: {one_line(job_id)}: {reason}")

    for pause in held_up.values():
        print_line(f"{pause.words()}; its jobs go on after: slotline resume {pause.model}")


def _is_held_up(record: Record, pauses: Mapping[str, Pause]) -> bool:
    return record.model in pauses and record.state in ("sent", "open")


def _cells(record: Record, now_s: float, is_held_up: bool, estimates: Mapping[str, Estimate]) -> list[str]:
    settled = record.done + record.failed + record.skipped
    return [
        record.job_id,
        record.kind,
        shortened(record.title, TITLE_CHARS),
        record.model,
        record.label.lower() + (", paused" if is_held_up else ""),
        f"{settled}/{record.total}" if record.total else "–",
        str(record.failed) if record.failed else "",
        _left(record, estimates.get(record.job_id)),
        _age(record, now_s),
    ]


def _left(record: Record, estimate: Estimate | None) -> str:
    if record.state == "ended":
        return ""
    return duration(estimate.seconds_left if estimate else None)


def _age(record: Record, now_s: float) -> str:
    """The time since it was submitted. A job that failed under an older version may only have its end."""
    since = record.submitted or record.opened or record.ended
    return duration(max(0.0, now_s - since)) if since else duration(None)


def _reason(record: Record) -> str:
    return one_line(str(record.error.get("message", ""))) if record.error else ""
