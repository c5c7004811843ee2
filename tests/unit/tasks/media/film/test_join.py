"""Stretches become one film: every frame at its time, the sound where it was, both of one length."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tasks.errors import InvalidInput, ModelError
from tasks.media.encoding import Encoding
from tasks.media.film import join
from tasks.media.film.fit import Form, fitted
from tasks.media.film.join import FilmAbout, FilmWriter
from tests.unit.tasks.media.film.films import Seen, WriteOnly, as_file, click_at, seen, stretch


def joined(path: Path, sound: Path | None, *stretches: bytes) -> Seen:
    with FilmWriter(path, sound, fragmented=False) as film:
        for one in stretches:
            film.add(one)
        film.finish()
    return seen(path)


@pytest.mark.parametrize("fragmented", [False, True])
@pytest.mark.parametrize(("rate", "channels"), [(8_000, 1), (16_000, 1), (22_050, 1), (44_100, 2), (48_000, 6)])
def test_frames_and_sound_are_where_they_were(tmp_path: Path, rate: int, channels: int, fragmented: bool) -> None:
    sound = click_at(tmp_path / "a.wav", 1.3, 2.1, rate, channels)
    out = WriteOnly()
    with FilmWriter(as_file(out) if fragmented else tmp_path / "f", sound, fragmented=fragmented) as film:
        for start, frames in ((0, 25), (25, 7), (32, 21)):
            film.add(stretch(start, frames))
        about = film.finish()
    data = out.data if fragmented else (tmp_path / "f").read_bytes()
    assert about == FilmAbout(64, 64, 53, len(data))
    whole = seen(data)
    assert whole.shows(*range(53))
    assert whole.times_ms == [40 * number for number in range(53)]
    assert abs(whole.onset_s - 1.3) < 0.002
    assert whole.sound is not None
    assert len(whole.sound) == min(channels, 2)
    assert whole.lengths_s["video"] == pytest.approx(2.12)
    for length in (whole.lengths_s["audio"], whole.sound.shape[1] / whole.rate):
        assert abs(length - 2.12) < 0.04, "of one length, within a frame"


@pytest.mark.parametrize("length_s", [0.05, 4.0])
def test_a_sound_is_filled_up_or_cut_to_the_length_of_the_pictures(tmp_path: Path, length_s: float) -> None:
    film = joined(tmp_path / "f", click_at(tmp_path / "a.wav", 0.0, length_s, 48_000), stretch(0, 25), stretch(25, 25))
    assert film.lengths_s == {"video": pytest.approx(2.0), "audio": pytest.approx(2.0)}


def test_a_film_may_have_no_sound(tmp_path: Path) -> None:
    assert joined(tmp_path / "f", None, stretch(0, 5)).lengths_s == {"video": pytest.approx(0.2)}


def test_pictures_are_copied_and_only_a_stretch_of_another_encoding_is_encoded_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    again: list[bytes] = []

    def remembered(data: bytes, form: Form) -> bytes | None:
        again.append(data)
        return fitted(data, form)

    monkeypatch.setattr(join, "fitted", remembered)
    other = stretch(25, 25, Encoding("libx264", "ultrafast"))
    film = joined(tmp_path / "f", None, stretch(0, 25), other, stretch(50, 25))
    assert again == [other]
    assert film.shows(*range(75))
    assert film.times_ms == [40 * number for number in range(75)]


def test_what_no_encoder_here_can_make_fit_keeps_its_own_header(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(join, "fitted", lambda data, form: None)
    other = stretch(25, 25, Encoding("libx264", "ultrafast"))
    assert joined(tmp_path / "f", None, stretch(0, 25), other, stretch(50, 25)).shows(*range(75))


def test_a_stretch_of_another_size_or_that_is_none_is_refused_by_its_number(tmp_path: Path) -> None:
    with FilmWriter(tmp_path / "f", None, fragmented=False) as film:
        film.add(stretch(0, 2))
        with pytest.raises(ModelError, match="^stretch 2: it is 96×96, but the film is 64×64$"):
            film.add(stretch(0, 2, side=96))
    with (
        FilmWriter(tmp_path / "f", None, fragmented=False) as film,
        pytest.raises(ModelError, match="^stretch 1: it is not a film in mp4$"),
    ):
        film.add(b"none")


def test_a_film_without_stretches_is_refused(tmp_path: Path) -> None:
    with (
        FilmWriter(tmp_path / "f", None, fragmented=False) as film,
        pytest.raises(ModelError, match="^a film without stretches$"),
    ):
        film.finish()


def test_a_sound_that_is_none_is_refused_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"no sound")
    with (
        FilmWriter(tmp_path / "f", tmp_path / "a", fragmented=False, name="talk.mp3") as film,
        pytest.raises(InvalidInput, match=r"^talk\.mp3: cannot be read as sound"),
    ):
        film.add(stretch(0, 1))


_LONG = """
import resource, sys
from pathlib import Path
import numpy as np
from tasks.media.encoding import Encoding
from tasks.media.film.encode import encode_stretch
from tasks.media.film.fit import Form, fitted
from tasks.media.film.join import FilmWriter

folder, minutes = Path(sys.argv[1]), int(sys.argv[2])
stretch = encode_stretch((np.zeros((64, 64, 3), np.uint8) for _ in range(25 * 60)), Encoding(preset="ultrafast")).data
with FilmWriter(folder / "film.mp4", folder / "sound.wav", fragmented=sys.argv[3] == "fragmented") as film:
    for minute in range(minutes):
        film.add(stretch)
        if minute == 1:
            print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    film.finish()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.parametrize("form", ["whole", "fragmented"])
def test_memory_does_not_grow_with_the_film(tmp_path: Path, form: str) -> None:
    minutes = 15
    click_at(tmp_path / "sound.wav", 0, 60 * minutes, 16_000)
    run = [sys.executable, "-c", _LONG, str(tmp_path), str(minutes), form]
    first, last = subprocess.run(run, check=True, capture_output=True, text=True, timeout=170).stdout.split()
    assert int(last) - int(first) < 16 * 1024 * (1024 if sys.platform == "darwin" else 1), "in KiB; in bytes on a Mac"
