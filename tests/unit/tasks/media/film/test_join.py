"""Stretches become one film with its sound."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np

from tasks.media.encoding import Encoding
from tasks.media.film.encode import encode_stretch
from tasks.media.film.join import FilmWriter
from tasks.media.wav import encode_wav


def test_a_film_has_all_frames_and_its_sound(tmp_path: Path) -> None:
    (tmp_path / "sound.wav").write_bytes(encode_wav(np.zeros(16_000, np.int16), 16_000))
    with FilmWriter(tmp_path / "film.mp4", tmp_path / "sound.wav", fragmented=False) as writer:
        for level in (0, 200):
            writer.add(encode_stretch([np.full((32, 64, 3), level, np.uint8)] * 13, Encoding()).data)
        assert writer.finish().frames == 26
    with av.open(str(tmp_path / "film.mp4")) as film:
        assert len(list(film.decode(video=0))) == 26
