"""The rehearsal's pictures tell their face, frame, background and loudness, also after they were encoded."""

from __future__ import annotations

import io
import pickle
import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tasks.errors import InvalidInput, ModelError, UnknownFace
from tasks.media.encoding import Encoding
from tasks.media.film.encode import encode_stretch
from tasks.media.wav import encode_wav
from tasks.messages import StretchRequest
from tests.unit.workers.adapters.test_rehearsal import made
from workers.adapters.outputs import Film
from workers.adapters.rehearsal import Rehearsal
from workers.adapters.rehearsal.film import Picture, ToShow, drawn, mark_of, told

BLOCK = 20 * 16_000


def sound_of(seconds: float) -> np.ndarray[Any, np.dtype[np.int16]]:
    """A sound that is louder with each second: a square wave, so that its root mean square is its height."""
    count = round(seconds * 16_000)
    height = 1024 * (1 + np.arange(count) // 16_000)
    return (height * np.where(np.arange(count) % 2, 1, -1)).astype(np.int16)


def filmed(seconds: float, **options: Any) -> Rehearsal:
    """The rehearsal that shows, with a store that holds such a sound in blocks of 20 s."""
    adapter = made(gives="film", **options)
    sound = sound_of(seconds)
    blocks = {str(at // BLOCK): encode_wav(sound[at : at + BLOCK], 16_000) for at in range(0, len(sound), BLOCK)}
    adapter.read_artifact = blocks.__getitem__
    return adapter


def stretch(start: int, frames: int, samples: int, **changed: Any) -> StretchRequest:
    fields = {"model": "any", "face": "anna", "sounds": ["0"], "samples": samples, "start": start, "frames": frames}
    return StretchRequest.trusted({"sounds_from": 0, "first_background": 0, "pictures": None, **fields, **changed})


def shown(adapter: Rehearsal, item: StretchRequest) -> Film:
    """As a slot does it: what passes between its processes is pickled."""
    outcome = adapter.run([pickle.loads(pickle.dumps(adapter.prepare(item)))])[0]
    assert not isinstance(outcome, Exception), outcome
    film = adapter.finish(item, outcome)
    assert isinstance(film, Film)
    return film


def test_a_picture_tells_its_face_frame_background_and_loudness() -> None:
    film = shown(filmed(3.0), stretch(25, 30, 48_000, first_background=99))
    pictures = [told(picture) for picture in film.frames]
    assert film.count == len(pictures) == 30
    assert pictures == [Picture(mark_of("anna"), 25 + i, 99 + i, 16 if i < 25 else 24) for i in range(30)]


def test_what_it_tells_outlives_encoding() -> None:
    import av

    film = shown(filmed(2.0), stretch(0, 50, 32_000))
    data = encode_stretch(film.frames, film.encoding).data
    with av.open(io.BytesIO(data)) as container:
        decoded = [told(frame.to_ndarray(format="bgr24")) for frame in container.decode(video=0)]
    assert decoded == [Picture(mark_of("anna"), i, i, 8 if i < 25 else 16) for i in range(50)]


def test_the_smallest_picture_outlives_encoding_too() -> None:
    import av

    show = ToShow("ben", 2**24 - 2, 2**16 - 1, (255, 0))
    data = encode_stretch(drawn(show, 16), Encoding(preset="ultrafast")).data
    with av.open(io.BytesIO(data)) as container:
        decoded = [told(frame.to_ndarray(format="bgr24")) for frame in container.decode(video=0)]
    mark = mark_of("ben")
    assert decoded == [Picture(mark, 2**24 - 2, 2**16 - 1, 255), Picture(mark, 2**24 - 1, 0, 0)]


def test_a_stretch_over_two_blocks_equals_the_same_frames_of_the_whole() -> None:
    adapter, samples = filmed(41.0), 41 * 16_000
    whole = adapter.prepare(stretch(0, 41 * 25, samples, sounds=["0", "1", "2"]))
    piece = adapter.prepare(stretch(990, 30, samples, sounds=["1", "2"], sounds_from=BLOCK, first_background=990))
    assert isinstance(whole, ToShow)
    assert piece == replace(whole, start=990, background=990, loudness=whole.loudness[990:1020])


def test_the_last_frame_may_last_longer_than_the_sound() -> None:
    piece = filmed(1.01).prepare(stretch(0, 26, 16_160))
    assert isinstance(piece, ToShow)
    assert len(piece.loudness) == 26
    assert 0 < piece.loudness[25] < piece.loudness[24] * 2


def test_blocks_without_sound_of_a_frame_are_refused_with_what_they_have() -> None:
    adapter = filmed(41.0)
    with pytest.raises(InvalidInput, match="sounds: samples 633600 to 652800 are not all in them; they have .* 640000"):
        adapter.prepare(stretch(990, 30, 41 * 16_000, sounds=["1"], sounds_from=BLOCK))
    with pytest.raises(InvalidInput, match="are not all in them"):
        adapter.prepare(stretch(0, 25, 41 * 16_000, sounds=["1"], sounds_from=BLOCK))


def test_a_block_of_another_rate_is_refused_by_its_name() -> None:
    adapter = made(gives="film")
    adapter.read_artifact = lambda name: encode_wav(np.zeros(100, dtype=np.int16), 8_000)
    with pytest.raises(InvalidInput, match="sounds: sound16k/x is no WAV of 16000 Hz, mono, 16 bits"):
        adapter.prepare(stretch(0, 1, 100, sounds=["sound16k/x"]))


def test_a_face_that_is_not_listed_is_refused_and_words_of_faults_stand_in_its_name() -> None:
    adapter = filmed(1.0, voices=["anna", "⚡error"], faults=True)
    with pytest.raises(UnknownFace, match="face: the rehearsal has no face 'eve'; it has: anna, ⚡error"):
        adapter.check(stretch(0, 25, 16_000, face="eve"))
    bad = adapter.prepare(stretch(0, 25, 16_000, face="⚡error"))
    assert isinstance(adapter.run([bad])[0], ModelError)


def test_pictures_are_asked_for_by_their_format_and_their_number() -> None:
    film = shown(filmed(2.0), stretch(25, 25, 32_000, pictures="png"))
    assert (film.pictures, film.start) == ("png", 25)


def test_its_offer_names_the_size_and_its_craft_is_lipsync() -> None:
    adapter = made(gives="film", frame_size=32, voices=["anna"])
    assert adapter.craft == "lipsync"
    offer = adapter.load()
    assert offer.revision == "rehearsal+film32"
    assert dict(offer.voices) == {"anna": "und"}
    assert offer.default_voice == "anna"
    assert adapter.length(stretch(0, 7, 16_000)) == 7


def test_each_frame_takes_its_seconds() -> None:
    adapter = filmed(1.0, seconds_per_frame=0.01)
    item = adapter.prepare(stretch(0, 25, 16_000))
    began_s = time.monotonic()
    adapter.run([item])
    assert time.monotonic() - began_s >= 0.25
