"""The artifact store: the same promises in one file and in two, on a local folder and on a file system in memory."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
import wave
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from tasks.errors import ArtifactMissing, InvalidInput, StoreError
from tasks.media.wav import encode_wav
from tasks.store.artifacts import Artifact, Store, name_of, store
from tests.unit.tasks.store.conftest import Place

NAME = name_of("speech", "wav", {"text": "xin chào", "voice": "vi", "speed": 1.0})
DATA = bytes(range(256)) * 20
LIMIT_S = 30


@pytest.mark.parametrize(
    "name",
    ["../etc/passwd", "/etc/passwd", "speech/../../x.wav", "speech/ab/.hidden.wav", "x.wav", "speech/ab/a.wav.json", "",
     "speech/a b/c.wav", "speech//c.wav", "speech/ab/c.wav\n", "speech/" + "a" * 200 + ".wav"],
)  # fmt: skip
def test_what_is_no_name_is_refused_by_every_method(place: Place, name: str, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"x")
    uses: list[Callable[[], Any]] = [
        lambda: place.store.find(name),
        lambda: place.store.put_bytes(name, b"x"),
        lambda: place.store.put_file(name, source),
        lambda: place.store.read_bytes(name),
        lambda: place.store.fetch(name, tmp_path / "target"),
        lambda: place.store.delete(name),
        lambda: place.store.read_text(name),
    ]
    for use in uses:
        with pytest.raises(InvalidInput):
            use()
    assert place.files() == {}


def test_bytes_come_back_as_they_were_put_with_their_details(place: Place) -> None:
    put = place.store.put_bytes(NAME, DATA, {"sample_rate": 22050, "frames": 7})
    other = Store(place.url)
    assert other.find(NAME) == put == Artifact(NAME, len(DATA), put.sha256, {"sample_rate": 22050, "frames": 7})
    assert other.read_bytes(NAME) == DATA


def test_a_file_comes_back_as_it_was_put_and_stays_where_it_was(place: Place, tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "new" / "target.wav"
    source.write_bytes(os.urandom(3_000_000))
    put = place.store.put_file(NAME, source, {"frames": 1})
    assert place.store.fetch(NAME, target) == put == place.store.find(NAME)
    assert target.read_bytes() == source.read_bytes() == place.store.read_bytes(NAME)
    assert os.listdir(target.parent) == ["target.wav"]


def test_an_empty_artifact_is_complete(place: Place) -> None:
    place.store.put_bytes(NAME, b"")
    assert place.store.find(NAME) is not None
    assert place.store.read_bytes(NAME) == b""


def test_what_was_never_put_is_missing(place: Place, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"before")
    assert place.store.find(NAME) is None
    with pytest.raises(ArtifactMissing, match=NAME):
        place.store.read_bytes(NAME)
    with pytest.raises(ArtifactMissing, match=NAME):
        place.store.fetch(NAME, target)
    assert target.read_bytes() == b"before"
    place.store.delete(NAME)


def test_truncated_data_is_no_artifact(place: Place) -> None:
    put = place.store.put_bytes(NAME, DATA)
    place.overwrite(put, DATA[:-1])
    assert place.store.find(NAME) is None
    with pytest.raises(ArtifactMissing, match=NAME):
        place.store.read_bytes(NAME)


@pytest.mark.parametrize("way", ["read", "fetch"])
def test_foreign_data_of_the_same_size_is_found_out_when_read_and_put_right_by_the_next_put(
    place: Place, way: str, tmp_path: Path
) -> None:
    put = place.store.put_bytes(NAME, DATA)
    place.overwrite(put, b"x" * len(DATA))
    assert place.store.find(NAME) == put  # a look hashes nothing
    with pytest.raises(ArtifactMissing, match=NAME):
        place.store.read_bytes(NAME) if way == "read" else place.store.fetch(NAME, tmp_path / "target")
    assert not (tmp_path / "target").exists()
    assert place.store.find(NAME) is None  # so it is computed again
    place.store.put_bytes(NAME, DATA)
    assert place.store.read_bytes(NAME) == DATA


def test_the_last_writer_of_a_name_wins(place: Place) -> None:
    first = place.store.put_bytes(NAME, b"first")
    second = place.store.put_bytes(NAME, b"second, longer")
    assert place.store.find(NAME) == second
    # In two files this is the other order of pointers over both data files: what two writers at once may leave.
    assert place.store.put_bytes(NAME, b"first") == first
    assert place.store.read_bytes(NAME) == b"first"


def test_many_writers_and_readers_of_one_name_never_see_anything_but_one_of_the_writings(place: Place) -> None:
    writings = [bytes([n]) * (1000 + 500 * n) for n in range(6)]
    place.store.put_bytes(NAME, writings[0])
    done = threading.Event()

    def write(data: bytes) -> None:
        for _ in range(25):
            Store(place.url).put_bytes(NAME, data)

    def read() -> set[bytes]:
        seen = {place.store.read_bytes(NAME)}
        while not done.is_set():
            seen.add(place.store.read_bytes(NAME))
        return seen

    with ThreadPoolExecutor(8) as threads:
        readers = [threads.submit(read) for _ in range(2)]
        try:
            for writer in [threads.submit(write, data) for data in writings]:
                writer.result(LIMIT_S)
        finally:
            done.set()
        for reader in readers:
            assert reader.result(LIMIT_S) <= set(writings)
    assert place.store.read_bytes(NAME) in writings


def run_python(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run code in a Python of its own, from the repository's root."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)


WRITE_FOR_EVER = """
import itertools, os, sys
from tasks.store.artifacts import Store
store = Store(sys.argv[1])
for n in itertools.count():
    store.put_bytes(f"speech/ab/a{n % 3}.wav", os.urandom(200_000))
    print("put", flush=True)
"""


def test_a_writer_killed_at_any_point_leaves_complete_artifacts_or_none(tmp_path: Path) -> None:
    for puts in (1, 2, 3, 5, 8):
        with subprocess.Popen(
            [sys.executable, "-c", WRITE_FOR_EVER, str(tmp_path)], stdout=subprocess.PIPE, text=True
        ) as writer:
            try:
                assert writer.stdout is not None
                for _ in range(puts):
                    assert writer.stdout.readline() == "put\n"
            finally:
                writer.kill()
        place = Store(str(tmp_path))
        found = [n for n in range(3) if place.find(f"speech/ab/a{n}.wav")]
        assert len(found) >= min(puts, 3)
        assert all(len(place.read_bytes(f"speech/ab/a{n}.wav")) == 200_000 for n in found)


WRITE_TOO_MUCH = """
import resource, signal, sys
from pathlib import Path
from tasks.store.artifacts import Store
from tasks.errors import StoreError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
store, name, source = Store(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
data = source.read_bytes()
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
for put in (lambda: store.put_bytes(name, data), lambda: store.put_file(name, source)):
    try:
        put()
    except StoreError as exc:
        print(exc)
"""


def test_a_disk_that_takes_no_more_gives_one_line_and_leaves_nothing_behind(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(os.urandom(300_000))
    ran = run_python(WRITE_TOO_MUCH, tmp_path / "store", NAME, source)
    assert ran.stdout.splitlines() == [f"store {tmp_path / 'store'}: cannot write {NAME}: File too large"] * 2, ran
    assert [path for path in (tmp_path / "store").rglob("*") if path.is_file()] == []


def test_to_make_a_store_opens_nothing(tmp_path: Path) -> None:
    Store(str(tmp_path / "not yet"))
    Store("nosuchthing://bucket")
    assert not (tmp_path / "not yet").exists()


def test_a_store_that_can_be_written_passes_its_check_and_stays_empty(place: Place) -> None:
    place.store.check()
    assert place.files() == {}


def test_a_store_below_a_file_fails_its_check_with_place_setting_and_reason(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError) as caught:
        Store(str(tmp_path / "file" / "store")).check()
    told = f"store {tmp_path}/file/store: cannot be written (SLOTLINE_STORE_URL): Not a directory"
    assert str(caught.value) == told


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_fails_its_check(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    try:
        with pytest.raises(StoreError, match="Permission denied"):
            Store(str(tmp_path / "store")).check()
    finally:
        tmp_path.chmod(0o755)


def test_an_unknown_protocol_fails_the_check_in_the_librarys_words() -> None:
    with pytest.raises(StoreError, match="nosuchthing"):
        Store("nosuchthing://bucket/x").check()


def test_a_place_is_shown_without_its_password() -> None:
    with pytest.raises(StoreError) as caught:
        Store("nosuchthing://me:secret@host/x").check()
    assert "secret" not in str(caught.value)
    assert "host/x" in str(caught.value)


def test_players_open_the_file_of_a_sound_by_its_path_and_hear_the_sound_alone(place: Place) -> None:
    samples = np.arange(-500, 500, dtype=np.int16)
    put = place.store.put_bytes(NAME, encode_wav(samples, 22_050), {"frames": 1000})
    assert place.data_path(put).endswith(".wav")
    content = place.fs.cat_file(place.data_path(put))
    assert soundfile.read(io.BytesIO(content), dtype="int16")[0].tolist() == samples.tolist()
    with wave.open(io.BytesIO(content)) as heard:
        assert heard.readframes(10_000) == samples.tobytes()


def test_to_delete_takes_all_that_was_written_under_a_name_and_nothing_else(place: Place) -> None:
    place.store.put_bytes("speech/ab/a.wav", b"one")
    place.store.put_bytes("speech/ab/a.wav", b"two")
    for other in ("speech/ab/a.flac", "speech/ab/ab.wav"):
        place.store.put_bytes(other, b"stays")
    place.store.delete("speech/ab/a.wav")
    assert place.store.find("speech/ab/a.wav") is None
    assert len(place.files()) == (2 if place.single else 4)
    assert place.store.read_bytes("speech/ab/a.flac") == place.store.read_bytes("speech/ab/ab.wav") == b"stays"


def test_a_text_is_named_by_its_content_and_written_once(place: Place) -> None:
    text = "Chương một\r\n«Xin chào» 🎧\n"
    name = place.store.put_text(text)
    before = place.files()
    assert name.startswith("text/")
    assert place.store.put_text(text) == name
    assert place.files() == before
    assert place.store.read_text(name) == text
    assert place.store.put_text(text + " ") != name


def test_what_is_no_text_is_refused_as_one(place: Place) -> None:
    place.store.put_bytes(NAME, b"RIFF")
    with pytest.raises(InvalidInput, match="text_ref"):
        place.store.read_text(NAME)
    place.store.put_bytes("text/ab/a.txt", b"\xff\xfe")
    with pytest.raises(InvalidInput, match="not UTF-8"):
        place.store.read_text("text/ab/a.txt")
    with pytest.raises(InvalidInput, match="surrogate"):
        place.store.put_text("a\ud800")


@pytest.mark.usefixtures("own_environment")
def test_the_store_of_this_process_is_the_one_that_the_settings_name(tmp_path: Path) -> None:
    store().put_bytes(NAME, DATA)
    assert store() is store()
    assert Store(str(tmp_path / "store")).read_bytes(NAME) == DATA


def test_a_store_opened_before_a_fork_works_in_the_child(tmp_path: Path) -> None:
    place = Store(str(tmp_path))
    place.put_bytes(NAME, DATA)
    child = os.fork()
    if child == 0:
        os._exit(0 if place.read_bytes(NAME) == DATA else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_store_audio_and_assembly_import_without_numpy_soundfile_and_fsspec() -> None:
    ran = run_python(
        "import sys, tasks.store.artifacts, tasks.media.audio, tasks.media.assemble\n"
        "print(sorted({'numpy', 'soundfile', 'fsspec'} & set(sys.modules)))"
    )
    assert ran.stdout == "[]\n", ran.stderr
