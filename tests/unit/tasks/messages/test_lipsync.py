"""Films: a request has exactly one sound, and what the results are in words and files."""

from __future__ import annotations

from typing import Any

import pytest

from tasks.errors import InvalidInput, UnknownFace
from tasks.messages import Film, ResultFile, StoredFile, StretchRequest, StretchResult, VideoRequest, VideoResult
from tasks.offers import Published

FILM = Film(artifact="lipsync/ab/abc.mp4", width=1280, height=720, frames=50, bytes=9)


@pytest.mark.parametrize("sound", [{}, {"audio": "a", "text": "b"}, {"text": "b", "text_ref": "c"}])
def test_a_film_has_exactly_one_sound(sound: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="^audio: give it, or text, or text_ref, and only one of them$"):
        VideoRequest.parse({"model": "faces", "face": "anna", **sound})


@pytest.mark.parametrize("sound", [{"text": "Hello."}, {"audio": "a/b.wav", "speech": {"model": "espeak"}}])
def test_a_text_needs_a_voice_and_a_sound_takes_none(sound: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="^speech: a text needs it, and a sound does not take it$"):
        VideoRequest.parse({"model": "faces", "face": "anna", **sound})


def test_a_face_that_the_model_is_known_not_to_have_is_refused_before_anything_is_sent() -> None:
    offer = Published("faces", "lipsync", "", None, {"anna": "und"}, craft="lipsync", is_registry=True)
    good, bad = (VideoRequest.parse({"model": "faces", "face": face, "audio": "a/b.wav"}) for face in ("anna", "bert"))
    good.check(None, offer)
    bad.check(None, None)
    with pytest.raises(UnknownFace, match="^face: faces has no face 'bert'; it has anna$"):
        bad.check(None, offer)


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
