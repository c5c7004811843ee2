"""How far a chapter is, by its parts."""

from __future__ import annotations

import pytest

from producer.reading.chapter_row import ChapterRow
from tasks.messages import ChapterResult, Skipped


def test_a_chapter_of_unknown_parts_has_no_progress() -> None:
    row = ChapterRow(1, "One", chars=100)
    assert (row.settled_chars, row.computed_chars, row.has_ended) == (0.0, 0.0, False)


def test_its_characters_are_estimated_from_its_parts() -> None:
    row = ChapterRow(1, "One", chars=100, state="open", parts=4, settled=3, computed=1)
    assert row.settled_chars == pytest.approx(75.0)
    assert row.computed_chars == pytest.approx(25.0)


def test_what_has_ended_is_all_settled_whatever_was_computed() -> None:
    row = ChapterRow(1, "One", chars=100, state="failed", parts=4, settled=1)
    assert row.has_ended
    assert row.settled_chars == 100


def test_a_result_completes_it() -> None:
    row = ChapterRow(1, "One", chars=100)
    skipped = [Skipped(part=2, reason="nothing to speak")]
    row.complete(ChapterResult(duration_s=4.5, paragraphs=2, parts=3, computed=1, skipped=skipped))
    assert (row.parts, row.settled, row.computed, row.paragraphs, row.skipped, row.audio_s) == (3, 3, 1, 2, 1, 4.5)
