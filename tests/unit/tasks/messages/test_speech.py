"""Speech: what its results are in words and files, and what a part has of its job."""

from __future__ import annotations

import pytest

from tasks.catalog import ModelEntry
from tasks.errors import InvalidInput
from tasks.messages import (
    Audio,
    BookResult,
    ChapterRequest,
    ChapterResult,
    ParagraphRequest,
    ParagraphResult,
    ResultFile,
)

AUDIO = Audio(artifact="speech/ab/cd.wav", sample_rate=8000, frames=12_000, bytes=24_044)


def chapter(title: str, audio: Audio | None = AUDIO) -> ChapterResult:
    return ChapterResult(title=title, audio=audio, duration_s=1.5, paragraphs=1, parts=1, computed=1)


def no_text(name: str) -> str:
    raise AssertionError("speech has no texts to read")


def test_a_paragraph_and_a_chapter_become_their_audio() -> None:
    paragraph = ParagraphResult(audio=AUDIO, duration_s=1.5, computed=True)
    assert paragraph.words() == "1.5 s of audio"
    assert paragraph.files(no_text) == [ResultFile(AUDIO)]
    assert chapter("One").files(no_text) == [ResultFile(AUDIO, "One")]
    with pytest.raises(InvalidInput, match="nothing in it can be spoken"):
        chapter("Two", None).files(no_text)


def test_a_book_is_a_folder_of_its_chapters_that_have_audio() -> None:
    book = BookResult(title="B", chapters=[chapter("One"), chapter("Two", None)], duration_s=3.0)
    assert book.is_folder
    assert book.files(no_text) == [ResultFile(AUDIO, "One"), None]


def test_a_part_has_its_jobs_model_voice_and_speed_and_nothing_else() -> None:
    request = ChapterRequest(model="m", text="One.", voice="vi", speed=1.5, pause_s=1, title="T")
    shared = ParagraphRequest.shared(request)
    assert shared == {"model": "m", "voice": "vi", "speed": 1.5}
    part = ParagraphRequest.trusted({**shared, "pause_s": 1.0, "text": "One."})
    assert part == ParagraphRequest(model="m", voice="vi", speed=1.5, text="One.")


def test_a_request_without_a_voice_takes_the_tables() -> None:
    entry = ModelEntry(name="m", adapter="espeak", voice="vi")
    request = ChapterRequest(model="m", text="One.")
    assert request.in_voice_of(entry).voice == "vi"
    assert request.model_copy(update={"voice": "en"}).in_voice_of(entry).voice == "en"
