"""How a chapter and a book are split into parts, and what a part asks of the model. Needs no worker and no ledger."""

from __future__ import annotations

from typing import Any

import pytest

from tasks.errors import InvalidInput, NothingToSpeak, UnknownVoice
from tasks.flow.payloads import fields_of_payload
from tasks.kinds.speech import PARTS, BookKind, ChapterKind
from tasks.messages import BookRequest, ChapterRequest, ParagraphRequest
from tasks.offers import Published
from tests.fixtures.environment import UseCatalog

CATALOG = """
[models.aloud]
adapter = "espeak"
voice = "vi"

[models.words]
adapter = "rehearsal"
gives = "text"
"""
TEXT = "The first paragraph.\n\n* * *\n\nThe second one, and it is a little longer than twenty characters."


class Known:
    """What is published of the models."""

    def published(self, model: str) -> Published | None:
        voices = {"vi": "vi", "en": "en"}
        return Published(model, "espeak", "1", 22_050, voices, craft="speech") if model == "aloud" else None


KNOWN: Any = Known()


@pytest.fixture(autouse=True)
def models(use_catalog: UseCatalog) -> None:
    use_catalog(CATALOG)


def chapter(**fields: Any) -> ChapterRequest:
    return ChapterRequest.parse({"model": "aloud", "text": TEXT, **fields})


def test_a_chapter_is_split_into_pieces_and_what_cannot_be_spoken_is_skipped() -> None:
    plan = ChapterKind().plan(chapter(max_chars=60, speed=1.5), KNOWN, is_part=False)
    assert [payload[0] for payload in plan.payloads] == ["P", "P", "P", "-"]
    assert plan.skipped == {2: "nothing to speak"}
    assert (plan.title, plan.voice, plan.part_task) == ("The first paragraph.", "vi", "speech.paragraph")
    assert plan.params == {"model": "aloud", "voice": "vi", "speed": 1.5, "pause_s": 0.6, "sentence_pause_s": 0.15}
    part = PARTS.request(plan.payloads[0], plan.params)
    assert part == ParagraphRequest(model="aloud", voice="vi", speed=1.5, text="The first paragraph.")


@pytest.mark.parametrize(
    ("fields", "error", "said"),
    [
        ({"text": "***"}, NothingToSpeak, "text: nothing to speak"),
        ({"voice": "fr"}, UnknownVoice, "voice: aloud has no voice 'fr'"),
        ({"model": "words"}, InvalidInput, "model: 'words' does not speak"),
    ],
)
def test_what_cannot_be_spoken_is_refused(fields: dict[str, Any], error: type[InvalidInput], said: str) -> None:
    with pytest.raises(error, match=f"^{said}"):
        ChapterKind().plan(chapter(**fields), KNOWN, is_part=False)


def test_a_books_chapter_is_taken_as_it_was_checked_with_the_book_and_may_be_empty() -> None:
    chapters = [{"title": " One\nof two ", "text": "Words."}, {"text": ""}]
    request = BookRequest.parse({"model": "aloud", "chapters": chapters, "speed": 2, "pause_s": 1})
    plan = BookKind().plan(request, KNOWN, is_part=False)
    assert (plan.part_task, plan.part_queue, plan.voice) == ("speech.chapter", "flow", "vi")
    assert plan.payloads[0].startswith("COne of two\n")
    first, empty = (ChapterKind().request_of(payload) for payload in plan.payloads)
    assert (first.text, first.speed, first.pause_s, first.max_chars) == ("Words.", 2.0, 1.0, 256)
    assert ChapterKind().plan(empty, KNOWN, is_part=True).payloads == []


def test_a_long_chapter_of_a_book_passes_redis_by_its_name(broker: str) -> None:
    request = BookRequest.parse({"model": "aloud", "chapters": [{"text": "Words. " * 10_000}]})
    fields = fields_of_payload(BookKind().plan(request, KNOWN, is_part=False).payloads[0])
    assert "text" not in fields
    assert fields["text_ref"].startswith("text/")


def test_a_book_is_no_part_of_anything() -> None:
    with pytest.raises(InvalidInput, match="^job: a job of kind 'book' cannot be part of another job$"):
        BookKind().request_of("C\n{}")


def test_an_artifact_is_measured_by_its_seconds() -> None:
    measure = ChapterKind().measure({"duration_s": 2.5})
    assert (measure.name, measure.amount, measure.unit) == ("audio_s", 2.5, "seconds of audio")
