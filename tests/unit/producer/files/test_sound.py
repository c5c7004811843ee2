"""Sounds on their way into the store."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from producer.files.sound import sound_of
from tasks.errors import InvalidInput, MissingExtra
from tasks.media.wav import encode_wav
from tasks.store.artifacts import Store

WAV = encode_wav(np.zeros(800, np.float32), 16_000)


def test_a_sound_is_named_by_its_content_and_stored_once_whatever_its_file_is_called(
    store: Store, tmp_path: Path
) -> None:
    for name in ("one.WAV", "-two ☃.wav"):
        (tmp_path / name).write_bytes(WAV)
    one, two = (sound_of(tmp_path / name) for name in ("one.WAV", "-two ☃.wav"))
    digest = hashlib.sha256(WAV).hexdigest()
    assert one.name == two.name == f"sound/{digest[:2]}/{digest}.wav"
    one.put(store)
    (tmp_path / "-two ☃.wav").unlink()
    two.put(store)  # it is there
    assert store.read_bytes(one.name) == WAV


@pytest.mark.parametrize("name", ["noending", "odd.a b", "long.abcdefghi", "marks.ä"])
def test_an_ending_that_no_artifact_may_have_is_left_out(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(WAV)
    assert sound_of(tmp_path / name).name.endswith(".bin")


def test_a_large_file_is_stored_from_the_disk(store: Store, tmp_path: Path) -> None:
    (tmp_path / "long.wav").write_bytes(encode_wav(np.zeros(1_500_000, np.float32), 16_000))
    sound = sound_of(tmp_path / "long.wav")
    sound.put(store)
    artifact = store.find(sound.name)
    assert artifact is not None
    assert artifact.bytes > 3_000_000
    assert artifact.sha256 in sound.name


def test_a_file_that_grows_while_it_is_read_is_refused_and_not_stored(store: Store, tmp_path: Path) -> None:
    (tmp_path / "growing.wav").write_bytes(WAV)
    sound = sound_of(tmp_path / "growing.wav")
    (tmp_path / "growing.wav").write_bytes(WAV + b"more")
    with pytest.raises(InvalidInput, match="growing.wav: it was changed while it was read; send it when"):
        sound.put(store)
    assert store.find(sound.name) is None


def test_bytes_are_a_sound_too(store: Store) -> None:
    sound = sound_of(b"sound")
    sound.put(store)
    assert store.read_bytes(sound.name) == b"sound"
    assert replace(sound, content=b"").name == sound.name
    with pytest.raises(InvalidInput, match="sound: has no bytes"):
        sound_of(b"")


def test_what_is_no_sound_is_refused_where_it_can_be_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "talk.mp3").write_text("This is no sound.")
    with pytest.raises(InvalidInput, match=f"^{tmp_path}/talk.mp3: cannot be read as sound"):
        sound_of(tmp_path / "talk.mp3")

    def missing(path: Path, name: str) -> None:
        raise MissingExtra("no PyAV")

    monkeypatch.setattr("producer.files.sound.probe_sound", missing)
    assert sound_of(tmp_path / "talk.mp3").name.endswith(".mp3")
