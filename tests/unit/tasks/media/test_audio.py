"""A look at files, levels, and other formats."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tasks.errors import InvalidInput, StoreError
from tasks.media.audio import FORMATS, convert, measure, probe
from tasks.media.wav import encode_wav
from tests.unit.tasks.media.sounds import RATE, decoded, tone

LIMIT_S = 30


def test_a_look_at_a_file_and_at_bytes_tells_the_same(tmp_path: Path) -> None:
    wav = encode_wav(tone(0.25), RATE)
    (tmp_path / "a.wav").write_bytes(wav)
    assert probe(wav) == probe(tmp_path / "a.wav") == (RATE, 2000, 1)


def test_what_is_no_audio_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"no audio at all, but long enough to have a header")
    with pytest.raises(StoreError, match=r"a\.wav: cannot be read as audio"):
        probe(tmp_path / "a.wav")
    with pytest.raises(StoreError, match=r"b\.wav: no such file"):
        probe(tmp_path / "b.wav")
    with pytest.raises(StoreError, match="4 bytes"):
        probe(b"RIFF")


def test_levels_tell_length_peak_loudness_and_the_silence_at_both_ends(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    quiet = np.full(RATE // 2, 0.001, np.float32)
    path.write_bytes(encode_wav(np.concatenate((quiet, tone(2.5), quiet, quiet)), RATE))
    levels = measure(path)
    assert levels.duration_s == 4.0
    assert levels.peak == pytest.approx(0.5, abs=1e-3)
    assert levels.rms_db == pytest.approx(20 * np.log10(0.5 / np.sqrt(2) * np.sqrt(2.5 / 4)), abs=0.05)
    assert levels.silence_head_s == pytest.approx(0.5, abs=0.001)
    assert levels.silence_tail_s == pytest.approx(1.0, abs=0.001)
    assert levels.clipped == 0


def test_digital_silence_is_silent_from_end_to_end(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(encode_wav(np.zeros(RATE + 1, np.float32), RATE))
    levels = measure(path)
    assert (levels.peak, levels.rms_db) == (0.0, -120.0)
    assert levels.silence_head_s == levels.silence_tail_s == levels.duration_s == (RATE + 1) / RATE


def test_a_lone_peak_is_not_clipped_and_a_flat_top_is_wherever_it_lies(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    samples = np.zeros(3 * RATE, np.int16)
    samples[[100, 200]] = 32767, -32768
    path.write_bytes(encode_wav(samples, RATE))
    assert measure(path).clipped == 0
    for start in (500, RATE - 3, RATE - 2, RATE - 1, RATE):  # blocks meet at RATE
        flat = samples.copy()
        flat[start : start + 5] = 32767
        path.write_bytes(encode_wav(flat, RATE))
        assert measure(path).clipped == 3


def test_levels_of_stereo_are_refused(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros((10, 2), np.int16), RATE)
    with pytest.raises(StoreError, match="2 channels"):
        measure(tmp_path / "a.wav")


@pytest.mark.parametrize("format", FORMATS)
def test_a_file_in_another_format_holds_the_same_samples_and_the_title(format: str, tmp_path: Path) -> None:
    source, target = tmp_path / "a.wav", tmp_path / "new" / f"b.{format}"
    source.write_bytes(encode_wav(tone(2.3), RATE))
    convert(source, target, format, title="Chương 1: «Mưa»")
    with soundfile.SoundFile(target) as written:
        assert (written.format, written.subtype, written.title) == (format.upper(), "PCM_16", "Chương 1: «Mưa»")
        assert written.read(dtype="int16").tolist() == decoded(source.read_bytes()).tolist()
    assert os.listdir(target.parent) == [f"b.{format}"]


def test_an_unknown_format_names_those_that_would_do(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="format: 'mp4' is unknown; use one of wav, flac"):
        convert(tmp_path / "a.wav", tmp_path / "b.mp4", "mp4")


def test_a_source_that_cannot_be_converted_leaves_the_target_as_it_was(tmp_path: Path) -> None:
    target = tmp_path / "b.flac"
    target.write_bytes(b"before")
    soundfile.write(tmp_path / "float.wav", np.zeros(10), RATE, subtype="FLOAT")
    (tmp_path / "text.wav").write_bytes(b"text")
    for name in ("float.wav", "text.wav", "none.wav"):
        with pytest.raises(StoreError, match=name):
            convert(tmp_path / name, target, "flac")
    assert target.read_bytes() == b"before"
    assert len(os.listdir(tmp_path)) == 3


CONVERT_TOO_MUCH = """
import resource, signal, sys
from pathlib import Path
from tasks.media.audio import convert
from tasks.errors import StoreError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
try:
    convert(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
except StoreError as exc:
    print(exc)
"""


@pytest.mark.parametrize("format", FORMATS)
def test_a_disk_that_takes_no_more_gives_one_line_and_leaves_the_target_as_it_was(format: str, tmp_path: Path) -> None:
    source, target = tmp_path / "a.wav", tmp_path / "out" / f"b.{format}"
    noise = np.random.default_rng(1).integers(-9000, 9000, 20 * RATE, dtype=np.int16)
    source.write_bytes(encode_wav(noise, RATE))
    target.parent.mkdir()
    target.write_bytes(b"before")
    command = [sys.executable, "-c", CONVERT_TOO_MUCH, str(source), str(target), format]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert ran.stdout.startswith(f"{target}: cannot be written: "), ran
    assert len(ran.stdout.splitlines()) == 1
    assert target.read_bytes() == b"before"
    assert os.listdir(target.parent) == [target.name]


def test_a_target_below_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(encode_wav(tone(0.1), RATE))
    with pytest.raises(StoreError, match=r"b\.wav: cannot be written"):
        convert(tmp_path / "a.wav", tmp_path / "a.wav" / "b.wav", "wav")
