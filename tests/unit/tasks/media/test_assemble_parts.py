"""Parts in a store become one artifact: each read once, verified, and all that are missing named together."""

from __future__ import annotations

import re
import secrets
import subprocess
import sys
from pathlib import Path

import fsspec
import numpy as np
import pytest
import soundfile

from tasks.errors import ArtifactMissing, StoreError
from tasks.media import assemble_parts
from tasks.media.assemble_parts import PartAudio, PartsMissing, assemble_to_store
from tasks.media.audio import encode_wav
from tasks.store import writing
from tasks.store.artifacts import Artifact, Store, name_of

RATE = 8000
LIMIT_S = 30


@pytest.fixture(params=["local", "memory"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path / "store") if request.param == "local" else f"memory://{secrets.token_hex(8)}"


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the artifacts whose data was read."""
    names: list[str] = []
    read = Store.read

    def counted(self: Store, name: str) -> tuple[Artifact, bytes]:
        names.append(name)
        return read(self, name)

    monkeypatch.setattr(Store, "read", counted)
    return names


def samples_of(path: Path) -> list[int]:
    """All samples of a file, as int16."""
    samples: list[int] = soundfile.read(path, dtype="int16")[0].tolist()
    return samples


def put_parts(store: Store, count: int = 3) -> list[PartAudio]:
    """Parts of 100 samples each, all `number`, with pauses of 10 ms."""
    names = [name_of("speech", "wav", {"part": number}) for number in range(1, count + 1)]
    for number, name in enumerate(names, 1):
        sound = encode_wav(np.full(100, number, np.int16), RATE)
        store.put_bytes(name, sound, {"sample_rate": RATE, "frames": 100})
    return [PartAudio(name, 0.01, f"part {number}") for number, name in enumerate(names, 1)]


def test_parts_in_a_store_become_an_artifact_that_tells_rate_and_length(place: str, tmp_path: Path) -> None:
    store = Store(place)
    made = assemble_to_store(store, put_parts(store))
    assert made.name.startswith("chapter/")
    pieces = [["part 1", 0.0, 0.0125, []], ["part 2", 0.0225, 0.035, []], ["part 3", 0.045, 0.0575, []]]
    assert made.details == {"sample_rate": RATE, "frames": 460, "pieces": pieces}
    assert store.find(made.name) == made
    store.fetch(made.name, tmp_path / "chapter.wav")
    assert samples_of(tmp_path / "chapter.wav") == [1] * 100 + [0] * 80 + [2] * 100 + [0] * 80 + [3] * 100


def test_over_a_thousand_parts_each_piece_is_told_where_its_sound_is(tmp_path: Path) -> None:
    store, rate, parts, marks = Store(str(tmp_path / "store")), 22_050, [], []
    for number in range(1, 1001):
        frames = [101 + number % 7, 53 + number % 11]
        own = [2 * number, 2 * number + 1]  # what the samples of its two pieces are
        middle, end = (round(at / rate, 4) for at in (frames[0], sum(frames)))
        told = {"pieces": [["one", 0.0, middle, []], ["two", middle, end, [["two", middle, end]]]]}
        name = name_of("speech", "wav", {"part": number})
        store.put_bytes(name, encode_wav(np.repeat(np.array(own, np.int16), frames), rate), told if number % 3 else {})
        parts.append(PartAudio(name, 0.0015, f"part {number}"))
        marks += own if number % 3 else own[:1]
    made = assemble_to_store(store, parts)
    store.fetch(made.name, tmp_path / "chapter.wav")
    values, begins = np.unique(samples_of(tmp_path / "chapter.wav"), return_index=True)
    begin_s = dict(zip(values.tolist(), (begins / rate).tolist(), strict=True))
    pieces = made.details["pieces"]
    assert [piece[1] for piece in pieces] == pytest.approx([begin_s[mark] for mark in marks], abs=0.0001, rel=0)
    assert [piece[3][0][1:] for piece in pieces if piece[0] == "two"] == [p[1:3] for p in pieces if p[0] == "two"]
    assert pieces[-1][2] == pytest.approx(made.details["frames"] / rate, abs=0.0001)


def test_two_texts_with_the_same_sound_are_two_chapters_with_their_own_pieces(place: str) -> None:
    store, sound = Store(place), encode_wav(np.ones(100, np.int16), RATE)
    names = [store.put_bytes(name_of("speech", "wav", {"text": text}), sound, {}).name for text in ("Color", "Colour")]
    made = [assemble_to_store(store, [PartAudio(name, 0.0, name)]) for name in names]
    assert [one.details["pieces"][0][0] for one in made] == names


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
    with pytest.raises(PartsMissing, match=f"part 2: artifact {parts[1].name} is damaged") as caught:
        assemble_to_store(store, parts)
    assert caught.value.numbers == [2]
    assert [store.find(part.name) is None for part in parts] == [False, True, False]
    fs, root = fsspec.core.url_to_fs(place)
    assert fs.find(f"{root}/chapter") == []
    put_parts(store)
    assert assemble_to_store(store, parts).details["frames"] == 460


def test_all_parts_that_are_gone_are_named_at_once_and_none_is_read(place: str, reads: list[str]) -> None:
    store = Store(place)
    parts = put_parts(store, 4)
    for part in parts[1:3]:
        store.delete(part.name)
    with pytest.raises(PartsMissing, match=f"part 2: artifact {parts[1].name} is not in") as caught:
        assemble_to_store(store, parts)
    assert caught.value.numbers == [2, 3]
    assert reads == []


def test_all_parts_that_are_damaged_are_named_at_once(place: str) -> None:
    store = Store(place)
    parts = put_parts(store, 5)
    for number in (1, 3):
        damage(place, store, parts[number].name)
    with pytest.raises(PartsMissing) as caught:
        assemble_to_store(store, parts)
    assert caught.value.numbers == [2, 4]


def test_each_part_is_read_once(place: str, reads: list[str]) -> None:
    store = Store(place)
    parts = put_parts(store, 3)
    assemble_to_store(store, parts)
    assert reads == [part.name for part in parts]


def test_a_part_that_is_sound_and_no_audio_is_not_taken_for_a_missing_one(place: str) -> None:
    store = Store(place)
    parts = put_parts(store)
    store.put_bytes(parts[1].name, b"this is no audio, whatever its name may say")
    with pytest.raises(ArtifactMissing, match="part 2: is not audio") as caught:
        assemble_to_store(store, parts)
    assert not isinstance(caught.value, PartsMissing)


def test_a_part_that_is_written_again_while_the_parts_are_joined_is_tried_again_later(
    place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(place)
    parts = put_parts(store)
    read = Store.read

    def read_after_another_write(self: Store, name: str) -> tuple[Artifact, bytes]:
        if name == parts[1].name:
            self.put_bytes(name, encode_wav(np.full(50, 9, np.int16), RATE))
        return read(self, name)

    monkeypatch.setattr(Store, "read", read_after_another_write)
    with pytest.raises(StoreError, match=f"artifact {parts[1].name} was written again"):
        assemble_to_store(store, parts)


def test_large_parts_and_a_large_whole_give_the_same_file(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(place)
    parts = put_parts(store)
    small = store.read_bytes(assemble_to_store(store, parts).name)
    store.delete(assemble_to_store(store, parts).name)
    monkeypatch.setattr(assemble_parts, "IN_MEMORY_BYTES", 100)
    monkeypatch.setattr(writing, "ONE_FILE_BYTES", 100)
    made = assemble_to_store(store, parts)
    assert store.find(made.name) == made
    assert store.read_bytes(made.name) == small


@pytest.mark.parametrize("details", [{}, {"sample_rate": RATE}, {"sample_rate": RATE, "frames": 7}], ids=str)
def test_a_length_that_the_details_do_not_tell_is_put_right(place: str, details: dict[str, int]) -> None:
    store = Store(place)
    parts = put_parts(store)
    right = store.read_bytes(assemble_to_store(store, parts).name)
    store.delete(assemble_to_store(store, parts).name)
    store.put_bytes(parts[0].name, encode_wav(np.full(100, 1, np.int16), RATE), details)
    made = assemble_to_store(store, parts)
    assert (made.details["sample_rate"], made.details["frames"]) == (RATE, 460)
    assert made.details["pieces"][2] == ["part 3", 0.045, 0.0575, []], "by what was copied"
    assert store.read_bytes(made.name) == right


ASSEMBLE_TOO_MUCH = """
import resource, signal, sys
from tasks.errors import StoreError
from tasks.media.assemble_parts import PartAudio, assemble_to_store
from tasks.store.artifacts import Store
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
try:
    assemble_to_store(Store(sys.argv[1]), [PartAudio(sys.argv[2], 0.0)] * 20)
except StoreError as exc:
    print(exc)
"""


def test_a_disk_that_takes_no_more_gives_one_line_and_leaves_nothing_behind(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "store"))
    name = name_of("speech", "wav", {"part": 1})
    store.put_bytes(name, encode_wav(np.ones(RATE, np.int16), RATE))
    command = [sys.executable, "-c", ASSEMBLE_TOO_MUCH, store.place, name]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert re.fullmatch(rf"store {store.place}: cannot write chapter/\S+: File too large\n", ran.stdout), ran
    assert not any(path.is_file() for path in (tmp_path / "store" / "chapter").rglob("*"))
