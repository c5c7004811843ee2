"""Audio artifacts as messages name them."""

from __future__ import annotations

import json

import pytest

from tasks.errors import InvalidInput
from tasks.messages.files import Audio, ResultFile, StoredFile

AUDIO = Audio(artifact="speech/ab/cd.wav", sample_rate=22_050, frames=44_100, bytes=88_244)


def test_the_length_of_audio_is_its_frames_at_its_rate() -> None:
    assert AUDIO.duration_s == 2.0


def test_audio_comes_back_from_json_the_same_without_its_length_as_a_field() -> None:
    fields = json.loads(json.dumps(AUDIO.fields()))
    assert set(fields) == {"artifact", "sample_rate", "frames", "bytes"}
    assert Audio.parse(fields) == AUDIO


def test_audio_with_a_field_of_a_later_version_is_read_and_one_that_lacks_a_field_is_refused_by_its_name() -> None:
    assert Audio.parse({**AUDIO.fields(), "channels": 1}) == AUDIO
    with pytest.raises(InvalidInput, match="^frames: "):
        Audio.parse({name: value for name, value in AUDIO.fields().items() if name != "frames"})


def test_a_file_of_a_result_may_have_no_title() -> None:
    film = StoredFile("film/ab/cd.mp4", "mp4")
    assert ResultFile(film) == ResultFile(film, "")
    assert ResultFile(film, "One") != ResultFile(film, "Two")
