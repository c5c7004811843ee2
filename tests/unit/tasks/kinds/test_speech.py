"""How a chapter and a book are split into parts and joined again. Needs no worker and no ledger."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile

from tasks.errors import InvalidInput, NothingToSpeak, StoreError, UnknownVoice
from tasks.flow.kind import Gathered, Incomplete
from tasks.flow.payloads import fields_of_payload
from tasks.kinds.speech import PARTS, BookKind, ChapterKind, audio_of
from tasks.media import pieces
from tasks.media.wav import encode_wav
from tasks.messages import BookRequest, ChapterRequest, ChapterResult, ParagraphRequest
from tasks.offers import Published
from tasks.store.artifacts import Artifact, name_of, store
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


@pytest.fixture
def gathered(own_environment: None) -> Gathered:
    """Five parts with audio in the store; the third has nothing to speak."""
    outcomes: dict[int, dict[str, Any]] = {3: {"skipped": "nothing to speak"}}
    for part in (1, 2, 4, 5, 6):
        sound = encode_wav(np.full(100, part, np.int16), 8000)
        made = store().put_bytes(name_of("speech", "wav", {"part": part}), sound, {"sample_rate": 8000, "frames": 100})
        outcomes[part] = {"audio": audio_of(made).fields(), "computed": True}
    params = {"pause_s": 0.5, "sentence_pause_s": 0.25}
    record: Any = SimpleNamespace(title="One", total=6)
    return Gathered(record, params, ["POne", "-two", "P…", "-four", "PFive", "-six"], outcomes)


def test_the_audio_of_all_parts_is_joined_with_the_pauses_between_them(gathered: Gathered) -> None:
    result = ChapterResult.parse(ChapterKind().gather(gathered).result)
    assert result.audio is not None
    sound = store().read_bytes(result.audio.artifact)
    samples = soundfile.read(io.BytesIO(sound), dtype="int16")[0].tolist()
    assert samples == [
        *[1] * 100, *[0] * 2000, *[2] * 100, *[0] * 4000, *[4] * 100, *[0] * 4000, *[5] * 100, *[0] * 2000, *[6] * 100,
    ]  # fmt: skip
    assert (result.audio.frames, result.audio.bytes, result.computed) == (len(samples), len(sound), 5)
    assert ChapterKind().gather(gathered).result == result.fields(), "again, from what is in the store"


def test_each_part_is_spoken_at_its_real_place_whatever_is_skipped_or_failed_between(gathered: Gathered) -> None:
    gathered.outcomes[4] = {"error": {"type": "ModelError", "message": "no"}}  # type: ignore[index]
    result = ChapterKind().gather(gathered).result
    assert "pieces" not in result, "the ledger keeps none"
    answer = ChapterResult.parse(ChapterKind().answer(result))
    rate, pause, sentence_pause = 8000, 0.5, 0.25
    part = 100 / rate
    starts = [0.0, part + sentence_pause, 2 * part + sentence_pause + pause, 3 * part + 2 * sentence_pause + pause]
    assert answer.pieces is not None
    assert [piece.text for piece in answer.pieces] == ["One", "two", "Five", "six"]
    assert [piece.start_s for piece in answer.pieces] == pytest.approx(starts, abs=0.0001)
    assert all(piece.end_s - piece.start_s == pytest.approx(part, abs=0.0001) for piece in answer.pieces)
    assert answer.model_copy(update={"pieces": None}).fields() == result


def test_pieces_that_are_long_or_cannot_be_read_now_are_only_in_the_audios_details(
    gathered: Gathered, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = ChapterKind().gather(gathered).result
    with monkeypatch.context() as patch:
        patch.setattr(pieces, "MOST_BYTES", 50)
        assert ChapterKind().answer(result) == result
    name = result["audio"]["artifact"]
    store().put_bytes(name, b"joined by an older version", {"sample_rate": 8000, "frames": 100})
    assert ChapterKind().answer(result) == result
    store().delete(name)
    assert ChapterKind().answer(result) == result
    Path(store().place, name).mkdir()  # opening it is an error
    assert ChapterKind().answer(result) == result


def test_a_paragraph_tells_its_pieces_or_is_one_but_the_ledger_keeps_none(own_environment: None) -> None:
    told = {"sample_rate": 8000, "frames": 4000, "pieces": [["A b.", 0.0, 0.5, [["A", 0.0, 0.2], ["b.", 0.2, 0.5]]]]}
    for details, words in ((told, ["A", "b."]), ({"sample_rate": 8000, "frames": 4000}, [])):
        artifact = Artifact("speech/ab/abc.wav", 8044, "ab" * 32, details)
        result = PARTS.result(artifact, True, {"text": " A b.\n", "model": "aloud"})
        assert result.pieces is not None
        [piece] = result.pieces
        assert piece[:3] == ("A b.", 0.0, 0.5)
        assert [word.text for word in piece.words] == words
        assert set(PARTS.record(artifact).settled) == {"audio"}
        assert set(PARTS.record(artifact).settled["audio"]) == {"artifact", "sample_rate", "frames", "bytes"}


def test_parts_whose_audio_is_gone_or_damaged_are_to_be_computed_again(gathered: Gathered) -> None:
    names = {part: one["audio"]["artifact"] for part, one in gathered.outcomes.items() if "audio" in one}
    for part in (2, 5):
        path = Path(store().place, names[part])
        path.write_bytes(b"x" * 100 + path.read_bytes()[100:])
    with pytest.raises(Incomplete) as damaged:
        ChapterKind().gather(gathered)
    assert damaged.value.parts == [2, 5]
    store().delete(names[6])
    with pytest.raises(Incomplete) as gone:
        ChapterKind().gather(gathered)
    assert gone.value.parts == [2, 5, 6], "the damaged ones were removed"


def test_what_is_whole_and_no_audio_is_an_error_of_the_store(gathered: Gathered) -> None:
    store().put_bytes(name_of("speech", "wav", {"part": 4}), b"no audio", {"sample_rate": 8000, "frames": 100})
    with pytest.raises(StoreError, match="the audio could not be joined: part 3: is not audio"):
        ChapterKind().gather(gathered)


def test_an_artifact_is_measured_by_its_seconds() -> None:
    measure = ChapterKind().measure({"duration_s": 2.5})
    assert (measure.name, measure.amount, measure.unit) == ("audio_s", 2.5, "seconds of audio")
