"""The list of jobs: books above their chapters, why a job failed, and the age also of one that never opened."""

from __future__ import annotations

from dataclasses import replace

import pytest

from producer.display.job_table import arranged, print_jobs
from tasks.estimates.estimate import Estimate
from tasks.flow.ledger.record import Record, read_record
from tasks.pauses import Pause

BOOK = read_record("book", {"kind": "book", "title": "Chí Phèo", "model": "espeak", "state": "open", "total": "2"})


def chapter(part: int) -> Record:
    return replace(
        BOOK, job_id=f"book.{part}", kind="chapter", title=f"Part {part}", parent_job="book", parent_part=part
    )


def test_a_book_stands_above_its_chapters_and_those_in_order() -> None:
    other = replace(BOOK, job_id="other")
    listed = arranged([chapter(10), other, chapter(2), chapter(1), BOOK])
    assert [record.job_id for record in listed] == ["other", "book", "book.1", "book.2", "book.10"]


def test_a_chapter_whose_book_is_not_listed_keeps_its_place() -> None:
    assert [record.job_id for record in arranged([chapter(1), BOOK][:1])] == ["book.1"]


def test_jobs_below_jobs_below_jobs_are_all_listed() -> None:
    deep = replace(BOOK, job_id="book.1.1", parent_job="book.1", parent_part=1)
    assert [record.job_id for record in arranged([deep, chapter(1), BOOK])] == ["book", "book.1", "book.1.1"]


def test_a_failed_job_says_why_and_how_old_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    error = {"type": "ArtifactMissing", "message": "artifact x is\nnot in [/store]"}
    failed = replace(BOOK, state="ended", outcome="FAILURE", error=error, submitted=100.0)
    print_jobs([failed, replace(BOOK, job_id="other", submitted=130.0)], 160.0, {}, {})
    head, first, second = capsys.readouterr().out.splitlines()
    assert head.split() == ["id", "kind", "title", "model", "state", "parts", "failed", "left", "age", "reason"]
    assert first.endswith("1:00 min  artifact x is not in [/store]")
    assert second.rstrip().endswith("30 s")


def test_an_open_job_of_a_paused_model_says_so_and_a_line_below_since_when(capsys: pytest.CaptureFixture[str]) -> None:
    ended = replace(BOOK, job_id="ended", state="ended", outcome="SUCCESS")
    finishing = replace(BOOK, job_id="finishing", state="finishing")
    print_jobs(
        [BOOK, ended, finishing], 160.0, {"espeak": Pause("espeak", 0.0, "me"), "other": Pause("other", 0.0, "")}, {}
    )
    _, opened, *others, line = capsys.readouterr().out.splitlines()
    assert "open, paused" in opened
    assert not any("paused" in other for other in others)
    assert line == "espeak is paused by me; its jobs go on after: slotline resume espeak"


def test_a_job_that_only_has_an_end_is_as_old_as_that(capsys: pytest.CaptureFixture[str]) -> None:
    print_jobs([replace(BOOK, ended=150.0), replace(BOOK, job_id="unknown")], 160.0, {}, {})
    _, first, second = capsys.readouterr().out.splitlines()
    assert first.endswith("10 s")
    assert second.rstrip().endswith("–")


def test_on_a_terminal_the_reason_stands_below_the_table(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in {"FORCE_COLOR": "1", "TERM": "dumb", "COLUMNS": "80", "LINES": "20"}.items():
        monkeypatch.setenv(name, value)
    print_jobs([replace(BOOK, error={"type": "ModelError", "message": "why " * 40})], 0.0, {}, {})
    said = capsys.readouterr().out
    assert "reason" not in said
    assert said.splitlines()[-1] == f"FAILED: book: {('why ' * 40).strip()}"


def test_the_time_left_stands_beside_each_open_job_as_far_as_it_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    ended = replace(BOOK, job_id="ended", state="ended", outcome="SUCCESS", submitted=100.0)
    open_ = [replace(BOOK, job_id=name, submitted=100.0) for name in ("known", "unknown")]
    estimates = {
        "known": Estimate("known", 75.0, 235.0),
        "unknown": Estimate("unknown", None, None, why="not known yet"),
    }
    print_jobs([*open_, ended], 160.0, {}, estimates)
    _, known, unknown, last = capsys.readouterr().out.splitlines()
    assert known.split()[-4:] == ["1:15", "min", "1:00", "min"]
    assert unknown.split()[-3:] == ["–", "1:00", "min"]
    assert "–" not in last.split()[-3:-2]
