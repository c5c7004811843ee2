"""Pieces become one file: in order, with their pauses, verified, in constant memory."""

from __future__ import annotations

import functools
import io
import os
import secrets
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any, BinaryIO

import fsspec
import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import ArtifactMissing, ModelError, NothingToSpeak, StoreError
from tasks.media.assemble import Open, PartAudio, assemble, assemble_to_store
from tasks.media.audio import encode_wav, probe
from tasks.media.wav import wav_header
from tasks.store.artifacts import Store, name_of

RATE = 8000
LIMIT_S = 30


def opener(samples: list[int], rate: int = RATE) -> Open:
    """A piece of these int16 samples."""
    return functools.partial(io.BytesIO, encode_wav(np.array(samples, dtype=np.int16), rate))


def samples_of(path: Path) -> list[int]:
    """All samples of a file, as int16."""
    samples: list[int] = soundfile.read(path, dtype="int16")[0].tolist()
    return samples


@pytest.fixture(params=["local", "memory"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path / "store") if request.param == "local" else f"memory://{secrets.token_hex(8)}"


def test_pieces_are_joined_in_order_with_silence_between_them_and_none_at_the_ends(tmp_path: Path) -> None:
    pieces = [(opener([1, 2, 3]), 5.0), (opener([4]), 0.0), (opener([5, 6]), 0.001)]
    assert assemble(iter(pieces), tmp_path / "joined.wav") == (RATE, 14)
    assert samples_of(tmp_path / "joined.wav") == [1, 2, 3, 4, *[0] * 8, 5, 6]
    assert os.listdir(tmp_path) == ["joined.wav"]


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
    assert assemble(opened, path) == (RATE, len(expected))
    assert samples_of(path) == expected


def test_a_file_that_outgrows_a_riff_header_tells_its_length_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.media.wav.RIFF_MAX_BYTES", 2_000)  # 4 GiB would take a minute
    for count, kind in ((9, b"RIFF"), (10, b"RF64")):
        target = tmp_path / "joined.wav"
        assert assemble([(opener([7] * 100), 0.0)] * count, target) == (RATE, 100 * count)
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
        assemble([(opener([1]), 0.0), (second, 0.0)], target)
    assert os.listdir(target.parent) == []


def test_a_piece_that_is_missing_or_no_audio_is_named_and_the_target_stays_as_it_was(tmp_path: Path) -> None:
    target = tmp_path / "joined.wav"
    target.write_bytes(b"before")
    gone = functools.partial((tmp_path / "gone.wav").open, "rb")
    broken: list[Any] = [gone, functools.partial(io.BytesIO, b"this is no audio, whatever its name may say")]
    for second in broken:
        with pytest.raises(ArtifactMissing, match="part 2: "):
            assemble([(opener([1]), 0.0), (second, 0.0)], target)
    assert target.read_bytes() == b"before"
    assert os.listdir(tmp_path) == ["joined.wav"]


def test_every_piece_is_closed_also_when_a_later_one_fails(tmp_path: Path) -> None:
    opened: list[BinaryIO] = []

    def open_kept(samples: list[int], rate: int = RATE) -> BinaryIO:
        opened.append(opener(samples, rate)())
        return opened[-1]

    pieces = [(functools.partial(open_kept, [1]), 0.0), (functools.partial(open_kept, [1], 16000), 0.0)]
    with pytest.raises(ModelError):
        assemble(pieces, tmp_path / "joined.wav")
    assert [file.closed for file in opened] == [True, True]


def test_no_piece_at_all_is_nothing_to_speak(tmp_path: Path) -> None:
    with pytest.raises(NothingToSpeak):
        assemble([], tmp_path / "joined.wav")
    assert os.listdir(tmp_path) == []


def peak_bytes(pieces: Any, target: Path) -> int:
    """The most memory that Python held at once while joining."""
    tracemalloc.start()
    try:
        assemble(pieces, target)
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
    assemble([(opened, 0.0)], target)  # imports are not what is measured
    minute = peak_bytes(((opened, 0.1) for _ in range(60)), target)
    many_pieces = peak_bytes(((opened, 0.1) for _ in range(3600)), target)
    assert probe(target) == (RATE, 3600 * RATE + 3599 * RATE // 10, 1)
    one_piece = peak_bytes([(functools.partial(hour.open, "rb"), 0.0)], target)
    long_pause = peak_bytes([(opened, 0.0), (opened, 3600.0)], target)
    # An hour is 58 MB. Some table below soundfile grows once by up to 2 MB, whenever and whatever the length.
    allowed = minute + 4_000_000
    assert max(many_pieces, one_piece, long_pause) < allowed


ASSEMBLE_TOO_MUCH = """
import functools, resource, signal, sys
from pathlib import Path
from tasks.errors import StoreError
from tasks.media.assemble import assemble
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
piece = functools.partial(open, sys.argv[1], "rb")
try:
    assemble([(piece, 0.0)] * 20, Path(sys.argv[2]))
except StoreError as exc:
    print(exc)
"""


def test_a_disk_that_takes_no_more_gives_one_line_and_leaves_nothing_behind(tmp_path: Path) -> None:
    piece, target = tmp_path / "piece.wav", tmp_path / "out" / "joined.wav"
    piece.write_bytes(encode_wav(np.ones(RATE, np.int16), RATE))
    command = [sys.executable, "-c", ASSEMBLE_TOO_MUCH, str(piece), str(target)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert ran.stdout == f"{target}: cannot be written: File too large\n", ran
    assert os.listdir(target.parent) == []


def put_parts(store: Store, count: int = 3) -> list[PartAudio]:
    """Parts of 100 samples each, all `number`, with pauses of 10 ms."""
    names = [name_of("speech", "wav", {"part": number}) for number in range(1, count + 1)]
    for number, name in enumerate(names, 1):
        store.put_bytes(name, encode_wav(np.full(100, number, np.int16), RATE))
    return [PartAudio(name, 0.01) for name in names]


def test_parts_in_a_store_become_an_artifact_that_tells_rate_and_length(place: str, tmp_path: Path) -> None:
    store = Store(place)
    made = assemble_to_store(store, put_parts(store))
    assert made.name.startswith("chapter/")
    assert made.details == {"sample_rate": RATE, "frames": 460}
    assert store.find(made.name) == made
    store.fetch(made.name, tmp_path / "chapter.wav")
    assert samples_of(tmp_path / "chapter.wav") == [1] * 100 + [0] * 80 + [2] * 100 + [0] * 80 + [3] * 100


def damage(place: str, store: Store, name: str) -> None:
    """Change a part's data without changing its size."""
    artifact = store.find(name)
    assert artifact is not None
    fs, root = fsspec.core.url_to_fs(place)
    whole = fs.cat_file(f"{root}/{name}")
    fs.pipe_file(f"{root}/{name}", b"x" * artifact.bytes + whole[artifact.bytes :])


def test_a_chapter_that_is_there_is_not_assembled_again(place: str) -> None:
    store = Store(place)
    parts = put_parts(store)
    made = assemble_to_store(store, parts)
    damage(place, store, parts[1].name)  # reading it would raise
    assert assemble_to_store(store, parts) == made


def test_a_chapters_name_follows_order_pauses_and_content_but_not_the_pause_before_its_first_part(place: str) -> None:
    store = Store(place)
    one, two, three = put_parts(store)
    plain = assemble_to_store(store, [one, two, three]).name
    assert assemble_to_store(store, [PartAudio(one.name, 9.0), two, three]).name == plain
    others = [[two, one, three], [one, two], [one, PartAudio(two.name, 0.02), three]]
    names = {assemble_to_store(store, parts).name for parts in others}
    store.put_bytes(two.name, encode_wav(np.full(100, 9, np.int16), RATE))  # spoken anew, otherwise
    names.add(assemble_to_store(store, [one, two, three]).name)
    assert len(names | {plain}) == 5


def test_a_damaged_part_is_named_and_once_put_again_the_chapter_is_made(place: str) -> None:
    store = Store(place)
    parts = put_parts(store)
    damage(place, store, parts[1].name)
    with pytest.raises(ArtifactMissing, match=f"part 2: artifact {parts[1].name} is damaged"):
        assemble_to_store(store, parts)
    assert [store.find(part.name) is None for part in parts] == [False, True, False]
    fs, root = fsspec.core.url_to_fs(place)
    assert not fs.exists(f"{root}/chapter")
    put_parts(store)
    assert assemble_to_store(store, parts).details["frames"] == 460


def test_a_part_that_is_gone_is_named(place: str) -> None:
    store = Store(place)
    parts = put_parts(store)
    store.delete(parts[2].name)
    with pytest.raises(ArtifactMissing, match=f"part 3: artifact {parts[2].name} is not in"):
        assemble_to_store(store, parts)


def test_a_store_that_fails_while_a_part_is_read_is_not_taken_for_a_missing_part(tmp_path: Path) -> None:
    folder = functools.partial(tmp_path.open, "rb")
    with pytest.raises(StoreError, match="part 1: cannot be opened") as caught:
        assemble([(folder, 0.0)], tmp_path / "joined.wav")  # type: ignore[list-item]
    assert not isinstance(caught.value, ArtifactMissing)
