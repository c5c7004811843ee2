"""A sound of any format, rate and number of channels is read as it is, and what is none is refused by one line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from tasks.errors import InvalidInput
from tasks.media.film import sound
from tasks.media.film.sound import SoundAbout, probe_sound, sound_blocks, sound_samples


def tone(seconds: float, rate: int, channels: int = 1) -> NDArray[np.float32]:
    """A tone that rises, with a little noise, so that no two blocks are alike."""
    at = np.arange(round(seconds * rate)) / rate
    noise = np.random.default_rng(0).standard_normal(len(at))
    mono = 0.3 * np.sin(2 * np.pi * (300 + 100 * at) * at) + 0.01 * noise
    return np.repeat(mono[:, None], channels, axis=1).astype(np.float32)


def whole(path: Path, **options: Any) -> NDArray[np.int16]:
    return np.concatenate(list(sound_blocks(path, **options)))


def encoded(path: Path, codec: str, samples: NDArray[np.float32], rate: int, **options: str) -> Path:
    """Mono samples in a format that soundfile does not write."""
    with av.open(str(path), "w", options=options) as out:
        stream = out.add_stream(codec, rate=rate, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples.T), format="fltp", layout="mono")
        frame.sample_rate, frame.pts = rate, 0
        resampler = av.AudioResampler(stream.format, stream.layout, rate, frame_size=1024)
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            out.mux(stream.encode(part))
        out.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.mp3", "a.ogg"])
@pytest.mark.parametrize(("rate", "channels"), [(8_000, 1), (44_100, 2), (48_000, 2)])
def test_every_format_and_rate_keeps_its_length_and_its_level(
    tmp_path: Path, name: str, rate: int, channels: int
) -> None:
    soundfile.write(tmp_path / name, tone(1.5, rate, channels), rate)
    read = whole(tmp_path / name)
    assert read.dtype == np.int16
    assert abs(len(read) - 24_000) <= 1
    assert 0.25 < np.abs(read[4000:-4000]).max() / 32768 < 0.4
    assert probe_sound(tmp_path / name) == SoundAbout(rate, channels, pytest.approx(1.5, abs=0.05))  # type: ignore[arg-type]


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000])
def test_nothing_is_moved_in_time(tmp_path: Path, rate: int) -> None:
    click = np.zeros(rate, np.float32)
    click[rate // 2] = 0.9
    soundfile.write(tmp_path / "click.wav", click, rate)
    assert abs(int(np.argmax(np.abs(whole(tmp_path / "click.wav")))) - 8_000) <= 1


def test_sound_that_needs_no_change_is_kept_bit_for_bit(tmp_path: Path) -> None:
    samples = np.random.default_rng(1).integers(-32768, 32768, 40_000).astype(np.int16)
    soundfile.write(tmp_path / "a.wav", samples, 16_000)
    blocks = list(sound_blocks(tmp_path / "a.wav", seconds=1))
    assert [len(block) for block in blocks] == [16_000, 16_000, 8_000]
    assert np.array_equal(np.concatenate(blocks), samples)


@pytest.mark.parametrize("channels", [1, 2, 3, 6, 8, 9, 16])
def test_any_number_of_channels_becomes_one_of_the_same_level(tmp_path: Path, channels: int) -> None:
    soundfile.write(tmp_path / "a.wav", np.full((4_800, channels), 0.25), 48_000)
    assert np.allclose(whole(tmp_path / "a.wav")[100:-100] / 32768, 0.25, atol=0.01)


def test_the_sound_of_a_film_is_read(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "a.mp4"), "w") as out:
        pictures, audio = out.add_stream("libx264", rate=25), out.add_stream("aac", rate=16_000, layout="mono")
        pictures.width = pictures.height = 64
        for _ in range(25):
            out.mux(pictures.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="bgr24")))
        out.mux(pictures.encode(None))
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(tone(1, 16_000).T), format="fltp", layout="mono")
        frame.sample_rate, frame.pts = 16_000, 0
        resampler = av.AudioResampler("fltp", "mono", 16_000, frame_size=1024)
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            out.mux(audio.encode(part))
        out.mux(audio.encode(None))
    read = whole(tmp_path / "a.mp4")
    assert abs(len(read) - 16_000) <= 1024
    assert np.abs(read).max() / 32768 > 0.25


def test_a_file_may_change_its_rate_in_the_middle(tmp_path: Path) -> None:
    for name, rate in (("a.mp3", 44_100), ("b.mp3", 22_050)):
        encoded(tmp_path / name, "libmp3lame", tone(1, rate), rate, write_xing="0")
    (tmp_path / "c.mp3").write_bytes((tmp_path / "a.mp3").read_bytes() + (tmp_path / "b.mp3").read_bytes())
    assert len(whole(tmp_path / "c.mp3")) == pytest.approx(32_000, abs=3_000)


def test_a_tenth_of_a_second_and_silence_are_sound(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(800, np.int16), 8_000)
    assert whole(tmp_path / "a.wav").tolist() == [0] * 1_600


@pytest.mark.parametrize(("samples", "rate"), [(1, 16_000), (1, 48_000), (2, 48_000), (10, 96_000)])
def test_the_shortest_sounds_are_a_sample(tmp_path: Path, samples: int, rate: int) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(samples), rate)
    assert len(whole(tmp_path / "a.wav")) == 1


def test_stereo_is_kept_where_it_is_asked_for(tmp_path: Path) -> None:
    left_only = np.stack([np.full(4_800, 0.5), np.zeros(4_800)], axis=1)
    soundfile.write(tmp_path / "a.wav", left_only, 48_000)
    both = np.concatenate(list(sound_samples(tmp_path / "a.wav", 48_000, 2, "fltp")), axis=1)
    assert both.shape == (2, 4_800)
    assert np.allclose(both, [[0.5], [0.0]], atol=1e-4)


DAMAGED = {
    "a.flac": (0x55, "a.flac: is damaged at 1.5 s"),
    "a.mp3": (0, "a.mp3: is damaged at 1.5 s"),
    "a.ogg": (0x55, "a.ogg: is damaged at 1.3 s"),
    "a.m4a": (0, "a.m4a: is damaged at 1.5 s"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damage_in_the_middle_is_refused_with_its_time(tmp_path: Path, name: str) -> None:
    fill, refusal = DAMAGED[name]
    path = tmp_path / name
    if name.endswith("m4a"):
        encoded(path, "aac", tone(3, 44_100), 44_100, movflags="faststart")
    else:
        soundfile.write(path, tone(3, 44_100, 2), 44_100)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 4_000] = bytes([fill]) * 4_000
    path.write_bytes(data)
    assert probe_sound(path).rate == 44_100, "its start is whole"
    with pytest.raises(InvalidInput) as refused:
        whole(path)
    assert str(refused.value)[:-4] == refusal[:-4], "to the second"


def test_one_bit_that_is_wrong_is_found_where_the_format_has_checksums(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.flac", tone(3, 44_100), 44_100)
    data = bytearray((tmp_path / "a.flac").read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "a.flac").write_bytes(data)
    with pytest.raises(InvalidInput, match=r"^a\.flac: is damaged at 1\.\d s$"):
        whole(tmp_path / "a.flac")


@pytest.mark.parametrize("value", [np.nan, -np.inf])
def test_what_is_no_number_is_refused_with_its_time(tmp_path: Path, value: float) -> None:
    samples = tone(3, 16_000)
    samples[32_100] = value
    soundfile.write(tmp_path / "a.wav", samples, 16_000, subtype="FLOAT")
    with pytest.raises(InvalidInput, match=r"^a\.wav: holds NaN or infinity at [12]\.\d s$"):
        whole(tmp_path / "a.wav")


def test_a_file_that_is_cut_off_says_where_it_ends(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.flac", tone(3, 44_100), 44_100)
    data = (tmp_path / "a.flac").read_bytes()
    (tmp_path / "a.flac").write_bytes(data[: len(data) // 2])
    with pytest.raises(InvalidInput, match=r"^a\.flac: is damaged: it ends after 1\.\d of its 3\.0 s$"):
        whole(tmp_path / "a.flac")


def playlist(path: Path) -> None:
    """A list that FFmpeg reads as the sound of another file, if it is let."""
    soundfile.write(path.with_name("other.wav"), tone(1, 16_000), 16_000)
    path.write_text("ffconcat version 1.0\nfile other.wav\n")


def film_without_sound(path: Path) -> None:
    with av.open(str(path), "w", format="mp4") as out:
        stream = out.add_stream("libx264", rate=25)
        stream.width = stream.height = 64
        black = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="bgr24")
        out.mux(stream.encode(black))
        out.mux(stream.encode(None))


OTHER = "cannot be read as sound: it has another format, or is cut off"
REFUSED: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda path: None, "no such file"),
    "text": (lambda path: path.write_text("no sound " * 100), OTHER),
    "nothing": (lambda path: path.write_bytes(b""), OTHER),
    "playlist": (playlist, OTHER),
    "empty": (lambda path: soundfile.write(path, np.zeros(0), 8_000, format="WAV"), "holds no sound: 0 samples"),
    "film": (film_without_sound, "has no audio"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_sound_is_refused_by_one_line_that_names_it(tmp_path: Path, kind: str) -> None:
    make, reason = REFUSED[kind]
    make(tmp_path / kind)
    for read in (probe_sound, whole):
        with pytest.raises(InvalidInput) as refused:
            read(tmp_path / kind, name="talk.mp3")
        assert str(refused.value) == f"talk.mp3: {reason}"


def test_a_sound_beyond_the_limit_is_refused_before_it_is_read_and_while_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sound, "LIMIT_S", 60)
    soundfile.write(tmp_path / "a.flac", np.zeros(61 * 1_000, np.int16), 1_000)
    with pytest.raises(InvalidInput, match=r"^a\.flac: is longer than 0 hours$"):
        probe_sound(tmp_path / "a.flac")
    soundfile.write(tmp_path / "a.mp3", np.zeros(61 * 8_000, np.int16), 8_000)
    with pytest.raises(InvalidInput, match=r"^a\.mp3: is longer than 0 hours$"):
        whole(tmp_path / "a.mp3")
