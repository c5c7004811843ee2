"""How a film is cut into stretches and joined again, and that of a text into two steps. Needs no worker."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tasks.errors import ArtifactMissing, InvalidInput, SlotlineError, UnknownModel
from tasks.flow.kind import Gathered, Incomplete, More
from tasks.flow.parts import parts_of
from tasks.flow.payloads import fields_of_payload
from tasks.kinds import lipsync
from tasks.kinds.lipsync import PARTS, SpokenVideoKind, VideoKind
from tasks.kinds.map import MapKind
from tasks.media.encoding import Encoding
from tasks.media.film.encode import encode_stretch
from tasks.media.wav import encode_wav
from tasks.messages import ChapterRequest, MapRequest, StretchRequest, VideoRequest
from tasks.store.artifacts import name_of, store
from tests.fixtures.environment import UseCatalog

CATALOG = """
[models.faces]
adapter = "rehearsal"
gives = "film"
voice = "anna"

[models.many]
adapter = "lipsync"
path = "faces/{id}"

[models.aloud]
adapter = "espeak"
voice = "vi"
"""
RATE = 8_000


class NothingPublished:
    """No worker was ready."""

    def published(self, model: str) -> None:
        return None


NOTHING: Any = NothingPublished()


@pytest.fixture(autouse=True)
def models(use_catalog: UseCatalog) -> None:
    use_catalog(CATALOG)


def sound(seconds: float) -> str:
    at = np.arange(round(seconds * RATE)) / RATE
    samples = (0.5 * np.sin(2 * np.pi * 440 * at)).astype(np.float32)
    return store().put_bytes(name_of("sound", "wav", {"s": seconds}), encode_wav(samples, RATE)).name


def asked(**fields: Any) -> VideoRequest:
    return VideoRequest.parse({"model": "faces", **fields})


def planned(seconds: float, **fields: Any) -> Any:
    return VideoKind().plan(asked(audio=sound(seconds), **fields), NOTHING, is_part=False)


def test_a_sound_is_cut_into_stretches_that_name_the_blocks_they_need() -> None:
    plan = planned(21.3, face="bert", first_background=7)
    assert (len(plan.payloads), sum(plan.sizes), plan.sizes[-1]) == (22, 533, 8)
    assert (plan.part_task, plan.part_queue, plan.voice, plan.variant) == ("lipsync.stretch", "faces", "bert", "")
    first, last = (PARTS.request(plan.payloads[number], plan.params) for number in (0, -1))
    assert isinstance(first, StretchRequest)
    assert isinstance(last, StretchRequest)
    assert (first.model, first.face, first.samples, first.sounds_from) == ("faces", "bert", 340_800, 0)
    assert (first.start, first.frames, first.first_background) == (0, 25, 7)
    assert (last.start, last.frames, last.first_background, last.sounds_from) == (525, 8, 532, 0)
    assert [len(one.sounds) for one in (first, last)] == [1, 2]
    blocks = [store().find(name) for name in last.sounds]
    assert [one and one.details["frames"] for one in blocks] == [320_000, 20_800]
    assert StretchRequest.parse(last.fields()) == last, "what a flow worker writes is a request that it would take"


def test_the_same_sound_gives_the_same_parts_and_a_silence_has_one_block_for_all() -> None:
    assert planned(3).payloads == planned(3).payloads
    silence = encode_wav(np.zeros(RATE * 60, np.float32), RATE)
    store().put_bytes("sound/ab/silence.wav", silence)
    plan = VideoKind().plan(asked(audio="sound/ab/silence.wav", stretch_frames=750), NOTHING, is_part=True)
    named = [fields_of_payload(payload)["sounds"] for payload in plan.payloads]
    assert [len(sounds) for sounds in named] == [2, 2]
    assert len({one for sounds in named for one in sounds}) == 1


def test_the_tables_face_is_taken_where_none_is_named_and_in_a_registry_it_is_the_variant() -> None:
    assert planned(1).params["face"] == "anna"
    many = VideoKind().plan(asked(audio=sound(1), model="many", face="an na"), NOTHING, is_part=False)
    assert (many.variant, many.names_artifacts) == ("an%20na", True)


@pytest.mark.parametrize(
    ("fields", "error", "said"),
    [
        ({"audio": "sound/ab/gone.wav"}, ArtifactMissing, "artifact sound/ab/gone.wav is not in "),
        ({"audio": "gone"}, InvalidInput, "audio: 'gone' is not the name of an artifact"),
        ({"model": "aloud"}, InvalidInput, "model: 'aloud' shows no face"),
        ({"model": "nobody"}, UnknownModel, "model: "),
    ],
)
def test_what_cannot_become_a_film_is_refused(fields: dict[str, Any], error: type[SlotlineError], said: str) -> None:
    with pytest.raises(error, match=f"^{said}"):
        VideoKind().plan(asked(**{"audio": sound(1), **fields}), NOTHING, is_part=False)


def test_a_file_that_is_no_sound_is_refused_in_one_line() -> None:
    with pytest.raises(InvalidInput, match="^audio: .*$") as refused:
        VideoKind().plan(asked(audio=store().put_text("No sound.")), NOTHING, is_part=False)
    assert "\n" not in str(refused.value)


def outcome(start: int, frames: int, side: int = 64, **details: Any) -> dict[str, Any]:
    pictures = [np.full((side, side, 3), start + number, np.uint8) for number in range(frames)]
    made = encode_stretch(pictures, Encoding())
    size = {"width": made.width, "height": made.height, "frames": made.frames, "start": start, **details}
    artifact = store().put_bytes(name_of("lipsync", "mp4", {"start": start, "side": side}), made.data, size)
    return {**PARTS.record(artifact).settled, "computed": True}


def gathered(kind: Any, outcomes: list[dict[str, Any]], **params: Any) -> Gathered:
    failed = sum("error" in one for one in outcomes)
    record: Any = SimpleNamespace(title="Films", total=len(outcomes), failed=failed)
    return Gathered(record, params, ["F0.00 s\n{}"] * len(outcomes), dict(enumerate(outcomes, 1)))


def test_stretches_and_their_sound_become_one_film_that_names_them() -> None:
    made = gathered(VideoKind, [outcome(0, 25), outcome(25, 25), outcome(50, 5)], audio=sound(2.2))
    result = VideoKind().gather(made).result
    assert (result["frames"], result["stretches"], result["computed"]) == (55, 3, 3)
    film = store().find(result["film"]["artifact"])
    assert film is not None
    assert film.details == {
        "width": 64, "height": 64, "frames": 55,
        "stretches": [one["film"]["artifact"] for one in made.outcomes.values()],
    }  # fmt: skip
    assert VideoKind().gather(made).result == result
    measure = VideoKind().measure(result)
    assert (measure.name, measure.amount, measure.unit) == ("frames", 55.0, "frames of film")


def test_stretches_that_are_gone_or_damaged_are_to_be_computed_again() -> None:
    outcomes = [outcome(0, 5), outcome(5, 5), outcome(10, 5)]
    names = [one["film"]["artifact"] for one in outcomes]
    path = store().opened()[1] + "/" + names[1]
    with open(path, "r+b") as file:
        file.write(b"damaged")
    store().delete(names[2])
    with pytest.raises(Incomplete) as gone:
        VideoKind().gather(gathered(VideoKind, outcomes, audio=sound(0.6)))
    assert gone.value.parts == [2, 3]
    with pytest.raises(Incomplete) as archives:
        VideoKind().gather(gathered(VideoKind, outcomes, audio=sound(0.6), pictures="jpg"))
    assert archives.value.parts == [2, 3]


def test_stretches_of_two_sizes_are_not_joined_and_the_error_says_why() -> None:
    outcomes = [outcome(0, 5), outcome(5, 5, side=32)]
    with pytest.raises(
        SlotlineError, match=r"^face: stretch 2 has 32 × 32 pixels, and stretch 1 has 64 × 64; the face"
    ):
        VideoKind().gather(gathered(VideoKind, outcomes, audio=sound(0.4)))


def test_pictures_are_named_in_order_in_the_result_or_where_they_are_many_in_the_store(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    outcomes = [outcome(0, 5), outcome(5, 5)]
    names = [one["film"]["artifact"] for one in outcomes]
    made = gathered(VideoKind, outcomes, audio="sound/ab/any.wav", pictures="png")
    result = VideoKind().gather(made).result
    assert (result["archives"], result["pictures"], "film" in result) == (names, "png", False)
    monkeypatch.setattr(lipsync, "INLINE_TEXT_BYTES", 10)
    result = VideoKind().gather(made).result
    assert (json.loads(store().read_text(result["archives_ref"])), "archives" in result) == (names, False)


def test_of_a_film_with_failed_stretches_the_others_are_kept() -> None:
    made = VideoKind().gather(gathered(VideoKind, [outcome(0, 5), {"error": {}}], audio="any"))
    assert (made.result, made.computed, made.kept) == ({}, 1, "The other stretches are kept")


SPEECH = {"model": "aloud", "speed": 2.0}


def test_a_text_is_spoken_first_and_then_its_film_is_made() -> None:
    text = asked(text="Xin chào.", speech=SPEECH, pictures="jpg", timeout_s=9.0)
    plan = SpokenVideoKind().plan(text, NOTHING, is_part=False)
    assert (plan.part_task, plan.part_queue, plan.title, plan.width) == ("*task", "flow", "Xin chào.", 1)
    [own] = [fields_of_payload(payload) for payload in plan.payloads]
    assert own["task"] == "speech.chapter"
    chapter = ChapterRequest.trusted(own)
    assert (chapter.model, chapter.voice, chapter.speed, chapter.text) == ("aloud", "vi", 2.0, "Xin chào.")
    audio = sound(1)
    spoken = gathered(SpokenVideoKind, [{"audio": {"artifact": audio}, "computed": 1}], **plan.params)
    with pytest.raises(More) as more:
        SpokenVideoKind().gather(spoken)
    [film] = more.value.payloads
    assert fields_of_payload(film)["task"] == "lipsync.video"
    wanted = asked(audio=audio, face="anna", pictures="jpg", title="Films")
    assert VideoKind().request_of(film).model_copy(update={"title": "Films"}) == wanted


def test_a_sound_that_was_spoken_and_is_gone_is_spoken_again() -> None:
    audio = sound(1)
    steps: list[dict[str, Any]] = [{"audio": {"artifact": audio}}, {"error": {"type": "ArtifactMissing"}}]
    kept = SpokenVideoKind().gather(gathered(SpokenVideoKind, steps))
    assert kept.kept == f"The sound is kept: {audio}", "it was another artifact that was missing"
    store().delete(audio)
    for outcomes, again in ((steps[:1], [1]), (steps, [1, 2])):
        with pytest.raises(Incomplete) as gone:
            SpokenVideoKind().gather(gathered(SpokenVideoKind, outcomes, video={}))
        assert gone.value.parts == again


def test_blocks_that_are_gone_are_written_again_and_their_stretches_computed_again() -> None:
    audio = sound(1)
    plan = VideoKind().plan(asked(audio=audio), NOTHING, is_part=False)
    [block] = fields_of_payload(plan.payloads[0])["sounds"]
    store().delete(block)
    outcomes = [outcome(0, 5), {"error": {"type": "ArtifactMissing"}}, {"error": {"type": "ModelError"}}]
    with pytest.raises(Incomplete) as gone:
        VideoKind().gather(gathered(VideoKind, outcomes, audio=audio))
    assert (gone.value.parts, store().find(block) is not None) == ([2], True)
    store().delete(audio)
    with pytest.raises(ArtifactMissing, match=f"^artifact {audio} is not in"):
        VideoKind().gather(gathered(VideoKind, outcomes, audio=audio))


def test_a_long_text_is_in_the_store_and_the_film_is_the_result_of_the_second_step() -> None:
    long = asked(text="Long. " * 5_000, speech=SPEECH, title="Long")
    plan = SpokenVideoKind().plan(long, NOTHING, is_part=False)
    own = fields_of_payload(plan.payloads[0])
    assert ("text" in own, store().read_text(own["text_ref"])) == (False, long.text)
    steps: list[dict[str, Any]] = [
        {"audio": {"artifact": "chapter/ab/c.wav"}, "computed": 1},
        {"frames": 9, "computed": 2},
    ]
    made = SpokenVideoKind().gather(gathered(SpokenVideoKind, steps))
    assert (made.result, made.computed) == (steps[1], 3)
    failed = SpokenVideoKind().gather(gathered(SpokenVideoKind, [steps[0], {"error": {}}]))
    assert (failed.result, failed.kept) == ({}, "The sound is kept: chapter/ab/c.wav")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"text": "  "}, "text: is empty"),
        ({"speech": {"model": "faces"}}, "speech.model: 'faces' does not speak"),
        ({"speech": {"model": "alout"}}, "speech.model: .*did you mean 'aloud'"),
        ({"model": "aloud"}, "model: 'aloud' shows no face"),
    ],
)
def test_both_models_of_a_text_are_checked_before_it_is_spoken(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput, match=f"^{said}"):
        SpokenVideoKind().plan(asked(**{"text": "One.", "speech": SPEECH, **fields}), NOTHING, is_part=False)


def test_a_text_in_which_nothing_is_spoken_becomes_no_film() -> None:
    with pytest.raises(InvalidInput, match="^text: nothing in it can be spoken, so there is no film$"):
        SpokenVideoKind().gather(gathered(SpokenVideoKind, [{"audio": None, "computed": 0}], video={}))


def test_many_stretches_are_parts_of_a_job_of_many_inputs_with_results_of_their_own() -> None:
    one = {"sounds": ["sound16k/ab/c.wav"], "samples": 16_000, "frames": 25, "face": "anna"}
    request = MapRequest.parse({"model": "faces", "inputs": [one, {**one, "frames": 5}], "craft": "lipsync"})
    plan = MapKind().plan(request, NOTHING, is_part=False)
    assert (plan.part_task, plan.sizes, plan.names_artifacts) == ("lipsync.stretch", [25, 5], True)
    assert parts_of("lipsync").request(plan.payloads[1], plan.params) == StretchRequest.parse(
        {"model": "faces", **one, "frames": 5}
    )
    found = parts_of("lipsync").results({1: outcome(0, 5)})
    assert (found[1].film.frames, found[1].format, found[1].computed) == (5, "mp4", True)  # type: ignore[attr-defined]
