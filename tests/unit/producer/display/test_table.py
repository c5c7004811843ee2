"""The table at the end of a reading: every chapter, every failure, in the book's own words."""

from __future__ import annotations

from pathlib import Path

import pytest

from producer.display.table import print_readings
from producer.reading.reading import Reading
from producer.reading.status import FailedPart
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


@pytest.mark.xfail(strict=True, reason="a chapter of which nothing was computed counts as found in the store")
def test_a_chapter_that_never_began_is_not_called_found(reading: Reading, capsys: pytest.CaptureFixture[str]) -> None:
    first, _ = reading.rows
    first.state, first.parts, first.computed, first.paragraphs, first.audio_s, first.wall_s = "waiting", 0, 0, 0, 0, 0
    print_readings([reading], 45.0)
    assert "found" not in capsys.readouterr().out
