"""What makes two readings the same one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from producer.books.formats.book import Chapter
from producer.reading.request import ReadingRequest

REQUEST = ReadingRequest(
    Path("book.txt"), "Book", [(1, Chapter("One", "One.")), (3, Chapter("Three", "Three."))], "espeak", None, 1.0,
    Path("out"), "wav",
)  # fmt: skip


def test_the_same_words_read_the_same_way_are_the_same_reading() -> None:
    moved = replace(REQUEST, source=Path("x.txt"), folder=Path("elsewhere"), format="flac")
    assert moved.digest == REQUEST.digest


def test_another_speed_voice_or_word_is_another_reading() -> None:
    others = [
        replace(REQUEST, speed=1.1),
        replace(REQUEST, voice="vi"),
        replace(REQUEST, chapters=[(1, Chapter("One", "One!"))]),
    ]
    assert len({REQUEST.digest, *(other.digest for other in others)}) == 4


def test_its_fields_are_those_of_a_book() -> None:
    fields = REQUEST.fields()
    assert fields["chapters"] == [{"title": "One", "text": "One."}, {"title": "Three", "text": "Three."}]
    assert (fields["title"], fields["model"], fields["voice"], fields["speed"]) == ("Book", "espeak", None, 1.0)
