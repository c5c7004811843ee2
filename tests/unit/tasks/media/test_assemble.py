"""Pieces become one file: in order, with their pauses, in constant memory."""

from __future__ import annotations

import functools
import io
import os
import tracemalloc
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import ArtifactMissing, ModelError, NothingToSpeak, StoreError
from tasks.media.assemble import Open, assemble
from tasks.media.audio import encode_wav, probe
from tasks.media.wav import wav_header
from tasks.store.atomic import whole_file
from tasks.store.file_system import size_and_digest
from tasks.store.hashed_file import hashed_file

RATE = 8000


def opener(samples: list[int], rate: int = RATE) -> Open:
    """A piece of these int16 samples."""
    return functools.partial(io.BytesIO, encode_wav(np.array(samples, dtype=np.int16), rate))


def samples_of(path: Path) -> list[int]:
    """All samples of a file, as int16."""
    samples: list[int] = soundfile.read(path, dtype="int16")[0].tolist()
    return samples


def join(pieces: Iterable[tuple[Open, float]], target: Path, expected_frames: int = 0) -> tuple[int, int]:
    """Join to a local file."""
    with whole_file(target) as draft, hashed_file(draft) as out:
        made = assemble(pieces, out, expected_frames)
        assert (out.finish(), out.bytes) == size_and_digest(draft)[::-1]
    return made


def test_pieces_are_joined_in_order_with_silence_between_them_and_none_at_the_ends(tmp_path: Path) -> None:
    pieces = [(opener([1, 2, 3]), 5.0), (opener([4]), 0.0), (opener([5, 6]), 0.001)]
    assert join(iter(pieces), tmp_path / "joined.wav") == (RATE, 14)
    assert samples_of(tmp_path / "joined.wav") == [1, 2, 3, 4, *[0] * 8, 5, 6]
    assert os.listdir(tmp_path) == ["joined.wav"]


def test_a_piece_of_another_form_is_decoded_and_gives_the_same_file(tmp_path: Path) -> None:
    samples = np.arange(-300, 300, dtype=np.int16)

    def opened(format: str, subtype: str = "PCM_16", endian: str = "FILE") -> Open:
        form = io.BytesIO()
        soundfile.write(form, samples, RATE, subtype, endian, format)
        return functools.partial(io.BytesIO, form.getvalue())

    plain = [(opener(samples.tolist()), 0.1)] * 2
    for other in (opened("FLAC"), opened("WAVEX"), opened("WAV", endian="BIG"), opened("AIFF"), opened("RF64")):
        join(plain, tmp_path / "plain.wav")
        join([plain[0], (other, 0.1)], tmp_path / "other.wav")
        assert (tmp_path / "other.wav").read_bytes() == (tmp_path / "plain.wav").read_bytes()


class Told:
    """An output that keeps what it was told."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.replaced: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def replace_start(self, data: bytes) -> None:
        self.replaced.append(data)


def test_the_header_is_written_once_if_the_length_was_known_and_put_right_if_not() -> None:
    for expected, replaced in ((10, 0), (0, 1), (11, 1)):
        out = Told()
        assert assemble([(opener([1] * 4), 0.0), (opener([2] * 4), 2 / RATE)], out, expected) == (RATE, 10)
        assert out.written[0] == wav_header(expected, RATE, growing=True)
        assert out.replaced == [wav_header(10, RATE, growing=True)] * replaced


@given(
    pieces=st.lists(st.tuples(st.integers(1, 2 * RATE + 1), st.floats(0, 2.5, allow_nan=False)), min_size=1, max_size=5)
)
def test_any_lengths_and_pauses_add_up(tmp_path_factory: pytest.TempPathFactory, pieces: list[Any]) -> None:
    path = tmp_path_factory.mktemp("any") / "joined.wav"
    expected: list[int] = []
    opened: list[tuple[Open, float]] = []
    for number, (frames, pause_s) in enumerate(pieces, 1):
        expected += [0] * (round(pause_s * RATE) if number > 1 else 0) + [number] * frames
        opened.append((opener([number] * frames), pause_s))
    assert join(opened, path) == (RATE, len(expected))
    assert samples_of(path) == expected


def test_a_file_that_outgrows_a_riff_header_tells_its_length_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.media.wav.RIFF_MAX_BYTES", 2_000)  # 4 GiB would take a minute
    for count, kind in ((9, b"RIFF"), (10, b"RF64")):
        target = tmp_path / "joined.wav"
        assert join([(opener([7] * 100), 0.0)] * count, target) == (RATE, 100 * count)
        assert target.read_bytes()[:4] == kind
        assert samples_of(target) == [7] * 100 * count


@pytest.mark.parametrize(
    ("second", "told"),
    [
        (opener([1], rate=16000), "part 2: has 16000 Hz, but the parts before it have 8000 Hz"),
        ("stereo", "part 2: has 2 channels of PCM_16"),
        ("float", "part 2: has 1 channels of FLOAT"),
    ],
)
def test_a_piece_that_does_not_fit_is_named_and_nothing_is_written(second: Any, told: str, tmp_path: Path) -> None:
    if isinstance(second, str):
        shape, subtype = ((4, 2), "PCM_16") if second == "stereo" else ((4,), "FLOAT")
        soundfile.write(tmp_path / "odd.wav", np.zeros(shape), RATE, subtype=subtype)
        second = functools.partial((tmp_path / "odd.wav").open, "rb")
    target = tmp_path / "out" / "joined.wav"
    with pytest.raises(ModelError, match=told):
        join([(opener([1]), 0.0), (second, 0.0)], target)
    assert os.listdir(target.parent) == []


def test_a_piece_that_is_missing_or_no_audio_is_named_and_the_target_stays_as_it_was(tmp_path: Path) -> None:
    target = tmp_path / "joined.wav"
    target.write_bytes(b"before")
    gone = functools.partial((tmp_path / "gone.wav").open, "rb")
    broken: list[Any] = [gone, functools.partial(io.BytesIO, b"this is no audio, whatever its name may say")]
    for second in broken:
        with pytest.raises(ArtifactMissing, match="part 2: "):
            join([(opener([1]), 0.0), (second, 0.0)], target)
    assert target.read_bytes() == b"before"
    assert os.listdir(tmp_path) == ["joined.wav"]


def test_every_piece_is_closed_also_when_a_later_one_fails(tmp_path: Path) -> None:
    opened: list[BinaryIO] = []

    def open_kept(samples: list[int], rate: int = RATE) -> BinaryIO:
        opened.append(opener(samples, rate)())
        return opened[-1]

    pieces = [(functools.partial(open_kept, [1]), 0.0), (functools.partial(open_kept, [1], 16000), 0.0)]
    with pytest.raises(ModelError):
        join(pieces, tmp_path / "joined.wav")
    assert [file.closed for file in opened] == [True, True]


def test_no_piece_at_all_is_nothing_to_speak(tmp_path: Path) -> None:
    with pytest.raises(NothingToSpeak):
        join([], tmp_path / "joined.wav")
    assert os.listdir(tmp_path) == []


def peak_bytes(pieces: Any, target: Path) -> int:
    """The most memory that Python held at once while joining."""
    tracemalloc.start()
    try:
        join(pieces, target)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_an_hour_takes_no_more_memory_than_a_minute(tmp_path: Path) -> None:
    target, second, hour = tmp_path / "joined.wav", tmp_path / "second.wav", tmp_path / "hour.wav"
    second.write_bytes(encode_wav(np.ones(RATE, np.int16), RATE))
    with hour.open("wb") as file:
        file.write(wav_header(3600 * RATE, RATE))
        file.truncate(44 + 2 * 3600 * RATE)
    opened: Open = functools.partial(second.open, "rb")  # type: ignore[assignment]
    join([(opened, 0.0)], target)  # imports are not what is measured
    minute = peak_bytes(((opened, 0.1) for _ in range(60)), target)
    many_pieces = peak_bytes(((opened, 0.1) for _ in range(3600)), target)
    assert probe(target) == (RATE, 3600 * RATE + 3599 * RATE // 10, 1)
    one_piece = peak_bytes([(functools.partial(hour.open, "rb"), 0.0)], target)
    long_pause = peak_bytes([(opened, 0.0), (opened, 3600.0)], target)
    # An hour is 58 MB. Some table below soundfile grows once by up to 2 MB, whenever and whatever the length.
    allowed = minute + 4_000_000
    assert max(many_pieces, one_piece, long_pause) < allowed


def test_a_store_that_fails_while_a_part_is_read_is_not_taken_for_a_missing_part(tmp_path: Path) -> None:
    folder = functools.partial(tmp_path.open, "rb")
    with pytest.raises(StoreError, match="part 1: cannot be opened") as caught:
        join([(folder, 0.0)], tmp_path / "joined.wav")  # type: ignore[list-item]
    assert not isinstance(caught.value, ArtifactMissing)
