"""Films: a request has exactly one sound, and what the results are in words and files."""

from __future__ import annotations

from typing import Any

import pytest

from tasks.catalog import ModelEntry
from tasks.errors import InvalidInput, UnknownFace
from tasks.messages import Film, ResultFile, StoredFile, StretchRequest, StretchResult, VideoRequest, VideoResult
from tasks.messages.lipsync import result_before
from tasks.offers import Published

FILM = Film(artifact="lipsync/ab/abc.mp4", width=1280, height=720, frames=50, bytes=9)


@pytest.mark.parametrize("sound", [{}, {"audio": "a", "text": "b"}, {"text": "b", "text_ref": "c"}])
def test_a_film_has_exactly_one_sound(sound: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="^audio: give it, or text, or text_ref, and only one of them$"):
        VideoRequest.parse({"model": "faces", "face": "anna", **sound})


@pytest.mark.parametrize(
    ("sound", "why"),
    [
        ({"text": "Hello."}, "is missing; it says which model speaks the text, and how"),
        ({"audio": "a/b.wav", "speech": {"model": "espeak"}}, "only for a text; the film of a sound takes none"),
    ],
)
def test_a_text_needs_a_voice_and_a_sound_takes_none(sound: dict[str, Any], why: str) -> None:
    with pytest.raises(InvalidInput, match=f"^speech: {why}$"):
        VideoRequest.parse({"model": "faces", "face": "anna", **sound})


def test_a_face_that_the_model_is_known_not_to_have_is_refused_before_anything_is_sent() -> None:
    offer = Published("faces", "lipsync", "", None, {"anna": "und"}, craft="lipsync", is_registry=True)
    good, bad = (VideoRequest.parse({"model": "faces", "face": face, "audio": "a/b.wav"}) for face in ("anna", "bert"))
    good.check(None, offer)
    bad.check(None, None)
    with pytest.raises(UnknownFace, match="^face: faces has no face 'bert'; it has anna$"):
        bad.check(None, offer)


@pytest.mark.parametrize("field", ["samples", "start", "sounds_from"])
def test_a_stretch_has_no_number_that_a_float_cannot_hold(field: str) -> None:
    fields = {"model": "faces", "sounds": ["a/b.wav"], "samples": 16_000, "frames": 1, field: 10**400}
    with pytest.raises(InvalidInput, match=f"^{field}: "):
        StretchRequest.parse(fields)


def test_a_stretch_says_where_it_is_and_how_much_there_is_to_compute() -> None:
    stretch = StretchRequest.parse(
        {"model": "faces", "face": "anna", "sounds": ["a/b.wav"], "samples": 32_000, "start": 25, "frames": 25}
    )
    assert (stretch.words(), stretch.input_size()) == ("1.00 s, 25 frames", 25)
    assert "start" not in stretch.manner()


def test_a_film_is_one_file_and_tells_its_length() -> None:
    stretch = StretchResult(film=FILM, computed=True)
    assert stretch.words() == "2.00 s of film"
    assert stretch.files(str) == [ResultFile(StoredFile("lipsync/ab/abc.mp4", "mp4"))]
    video = VideoResult(title="One", film=FILM, audio="a/b.wav", frames=50, stretches=2, computed=2)
    assert video.words() == "2.0 s of film"
    assert video.files(str) == [ResultFile(StoredFile("lipsync/ab/abc.mp4", "mp4"), "One")]


AUDIO = {"artifact": "chapter/ab/c.wav", "sample_rate": 8000, "frames": 9, "bytes": 62}


@pytest.mark.parametrize(
    "result", [{"audio": AUDIO}, {"audio": "chapter/ab/c.wav"}, [{"audio": AUDIO}], "chapter/ab/c.wav"]
)
def test_in_a_chain_the_sound_of_the_task_before_is_taken(result: Any) -> None:
    fields = result_before([result], {"model": "faces"})
    assert VideoRequest.parse(fields) == VideoRequest(model="faces", audio="chapter/ab/c.wav")


def test_in_a_chain_the_title_of_the_task_before_is_taken_where_there_is_none() -> None:
    before = [{"audio": AUDIO, "title": "One"}]
    assert VideoRequest.parse(result_before(before, {"model": "faces"})).title == "One"
    assert VideoRequest.parse(result_before(before, {"model": "faces", "title": "Two"})).title == "Two"
    assert result_before([], {"model": "faces"}) == {"model": "faces"}


@pytest.mark.parametrize(
    ("before", "fields", "said"),
    [
        ([[{"audio": AUDIO}] * 3], {}, "audio: there are 3; give the result of one task, or the name of one sound"),
        ([{"audio": AUDIO}], {"audio": "a/b.wav"}, "audio: there are 2; give the result of one task, or the name of"),
        ([{"kind": "chapter", "parts": 1}], {}, "audio: the task before made no sound: nothing in its text could be"),
        ([{"kind": "book", "chapters": [{"audio": AUDIO}]}], {}, "audio: a book has a sound for each chapter; make a"),
        ([{"kind": "summary", "text": "a"}], {}, "audio: the task before made no sound, but a result of the kind 'su"),
        ([5], {}, "audio: Input should be a valid string"),
        ([{"audio": AUDIO}], {"text": "b"}, "audio: give it, or text, or text_ref, and only one of them"),
    ],
)
def test_in_a_chain_what_is_no_single_sound_is_refused(before: list[Any], fields: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput, match=f"^{said}"):
        VideoRequest.parse(result_before(before, {"model": "faces", **fields}))


def test_a_film_without_a_face_has_that_of_the_models_table() -> None:
    entry = ModelEntry(name="faces", adapter="lipsync", path="/f", voice="bert")
    assert VideoRequest(model="faces", audio="a/b.wav").in_face_of(entry).face == "bert"
    assert VideoRequest(model="faces", audio="a/b.wav", face="anna").in_face_of(entry).face == "anna"
