"""What a person sees while books are read: lines where nothing can move, bars on a terminal."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from producer.display import bars
from producer.display.bars import Bars, Lines, chapter_words, display
from producer.reading.chapter_row import State
from producer.reading.reading import Reading
from producer.reading.status import FailedPart
from tests.unit.producer.display.readings import two_chapters


@pytest.fixture
def reading(own_environment: None) -> Reading:
    return two_chapters()


def console(is_terminal: bool) -> tuple[Console, io.StringIO]:
    out = io.StringIO()
    return Console(file=out, width=200, force_terminal=is_terminal, color_system=None), out


def test_bars_are_shown_only_on_a_terminal() -> None:
    assert isinstance(display(console(True)[0]), Bars)
    assert isinstance(display(console(False)[0]), Lines)


def test_an_ended_chapter_is_one_line_with_its_file(reading: Reading) -> None:
    row = reading.rows[0]
    row.state, row.paragraphs, row.audio_s, row.path = "done", 3, 61.0, Path("out/01.wav")
    found = "Book: 1 [red]One[/red]: 3 paragraphs, 1:01 min of audio, found in the store -> out/01.wav (was there)"
    assert chapter_words(reading, row) == found
    row.computed, row.is_new_file, row.failures = 3, True, [FailedPart(2, "Some", "broke")]
    failed = "Book: 1 [red]One[/red]: 3 paragraphs, 1:01 min of audio, 1 FAILED -> out/01.wav"
    assert chapter_words(reading, row) == failed


def test_a_chapter_without_a_file_says_why_and_not_that_it_was_found(reading: Reading) -> None:
    row = reading.rows[1]
    row.state, row.failures = "failed", [FailedPart(None, "", "artifact x is not in /store")]
    assert chapter_words(reading, row) == "Book: 2 Two: FAILED: artifact x is not in /store"
    row.state, row.failures, row.path, row.audio_s = "failed", [FailedPart(2, "Some", "broke")], Path("out/2.wav"), 1.0
    assert "found" not in chapter_words(reading, row)


def test_a_chapter_without_a_sound_says_so(reading: Reading) -> None:
    assert chapter_words(reading, reading.rows[1]) == "Book: 2 Two: nothing to speak"


def test_lines_come_at_most_every_few_seconds(reading: Reading) -> None:
    screen, text = console(False)
    lines = Lines(screen)
    reading.rows[0].state = "done"
    for now_s in (0.0, 1.0, bars.PLAIN_EVERY_S, bars.PLAIN_EVERY_S + 1.0):
        lines.update([reading], now_s)
    assert text.getvalue() == "Book: 50%, 1 of 2 chapters, – left\n"


def last_frame(reading: Reading, *states: State) -> str:
    """What is left on a terminal after the first chapter went through these states, each shown once."""
    screen, text = console(True)
    with Bars(screen) as shown:
        for now_s, state in enumerate(states):
            reading.rows[0].state = state
            shown.update([reading], float(now_s))
    return text.getvalue().rpartition("Book")[2]


def test_an_open_chapter_has_a_bar_of_its_own_until_it_ends(reading: Reading) -> None:
    row = reading.rows[0]
    row.parts, row.settled = 4, 1
    assert "1/4 parts" in last_frame(reading, "open")
    ended = last_frame(reading, "open", "done")
    assert "1/2 chapters" in ended
    assert "parts" not in ended
