"""The table at the end of a reading: every chapter, every failure, in the book's own words."""

from __future__ import annotations

from pathlib import Path

import pytest

from producer.display.table import print_failures, print_readings
from producer.reading.reading import Reading
from producer.reading.status import FailedPart
from tasks.flow.repair import Failure
from tests.unit.producer.display.readings import two_chapters


@pytest.fixture
def reading(own_environment: None) -> Reading:
    made = two_chapters()
    first, second = made.rows
    first.state, first.parts, first.computed, first.paragraphs, first.audio_s, first.wall_s = "done", 3, 3, 2, 90, 30
    first.path = Path("out/[1].wav")
    second.state, second.failures = "failed", [FailedPart(4, "Some words", "model: broke")]
    return made


def test_titles_and_paths_are_printed_as_they_are(reading: Reading, capsys: pytest.CaptureFixture[str]) -> None:
    print_readings([reading], 45.0)
    said = capsys.readouterr().out
    assert "1 [red]One[/red]" in said
    assert "out/[1].wav" in said
    assert "1:30 min  30.0 s" in said
    assert " 3.0 " in said


def test_a_failed_part_is_named_with_its_chapter_its_words_and_why(
    reading: Reading, capsys: pytest.CaptureFixture[str]
) -> None:
    print_readings([reading], 45.0)
    assert "FAILED: Book, chapter 2 «Two», part 4 («Some words»): model: broke" in capsys.readouterr().out
    assert reading.has_failed


def test_a_chapter_that_never_began_is_not_called_found(reading: Reading, capsys: pytest.CaptureFixture[str]) -> None:
    first, _ = reading.rows
    first.state, first.parts, first.computed, first.paragraphs, first.audio_s, first.wall_s = "waiting", 0, 0, 0, 0, 0
    print_readings([reading], 45.0)
    assert "found" not in capsys.readouterr().out


def test_a_chapter_that_failed_is_not_called_found_and_one_from_the_store_is(
    reading: Reading, capsys: pytest.CaptureFixture[str]
) -> None:
    first, _ = reading.rows
    first.computed = 0
    print_readings([reading], 45.0)
    rows = capsys.readouterr().out.splitlines()
    assert "found" in rows[1]
    assert "failed" in rows[2]
    assert "found" not in rows[2]


def test_a_title_cannot_control_the_terminal(reading: Reading, capsys: pytest.CaptureFixture[str]) -> None:
    reading.rows[1].title = "Chí\x1b[2J Phèo"
    print_readings([reading], 45.0)
    said = capsys.readouterr().out
    assert "\x1b" not in said
    assert said.count(r"Chí\x1b[2J Phèo") == 2


def test_of_a_failure_the_table_has_the_reason_and_below_it_the_traceback(
    capsys: pytest.CaptureFixture[str],
) -> None:
    failure = Failure("job.1", "job", "ModelError: [bad]", "Some words", 10.0, 3, "w@h", "in model.py\n  line 1")
    print_failures([failure], 40.0, with_traceback=True)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["id", "words", "reason", "tries", "worker", "age"]
    assert "ModelError: [bad]" in lines[1]
    assert lines[-3:] == ["job.1", "in model.py", "  line 1"]
