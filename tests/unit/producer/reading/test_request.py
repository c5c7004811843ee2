"""What makes two readings the same one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from producer.books.formats.book import Chapter
from producer.reading.request import ReadingRequest
from tasks.messages import Speaking

REQUEST = ReadingRequest(
    Path("book.txt"), "Book", [(1, Chapter("One", "One.")), (3, Chapter("Three", "Three."))],
    Speaking(model="espeak"), Path("out"), "wav",
)  # fmt: skip


def test_the_same_words_read_the_same_way_are_the_same_reading() -> None:
    moved = replace(REQUEST, source=Path("x.txt"), folder=Path("elsewhere"), format="flac")
    assert moved.digest == REQUEST.digest


def test_a_reading_that_an_earlier_version_began_is_still_the_same() -> None:
    assert REQUEST.digest == "676e2bf90e89c614e50c4f8097c130b8"


def test_another_speed_voice_or_word_is_another_reading() -> None:
    others = [
        replace(REQUEST, speaking=Speaking(model="espeak", speed=1.1)),
        replace(REQUEST, speaking=Speaking(model="espeak", voice="vi")),
        replace(REQUEST, chapters=[(1, Chapter("One", "One!"))]),
    ]
    assert len({REQUEST.digest, *(other.digest for other in others)}) == 4


def test_its_fields_are_those_of_a_book() -> None:
    fields = REQUEST.fields()
    assert fields["chapters"] == [{"title": "One", "text": "One."}, {"title": "Three", "text": "Three."}]
    assert (fields["title"], fields["model"], fields["voice"], fields["speed"]) == ("Book", "espeak", None, 1.0)
