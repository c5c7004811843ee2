"""Audio files for the listener: safe names, complete files, and nothing written twice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from producer.files import chapter_name, format_of, safe_name, write
from tasks.errors import ArtifactMissing, InvalidInput
from tasks.media import audio as sound
from tasks.media.wav import encode_wav
from tasks.messages import Audio
from tasks.store.artifacts import Store, name_of

RATE = 22_050


def artifact(store: Store, seed: int) -> Audio:
    samples = np.random.default_rng(seed).uniform(-0.5, 0.5, RATE).astype(np.float32)
    data = encode_wav(samples, RATE)
    name = name_of("speech", "wav", {"seed": seed})
    store.put_bytes(name, data, {"sample_rate": RATE, "frames": RATE})
    return Audio(artifact=name, sample_rate=RATE, frames=RATE, bytes=len(data))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "store"))


@given(st.text(max_size=400))
def test_any_title_becomes_a_name_that_a_file_can_have(title: str) -> None:
    name = chapter_name(7, title.replace("\ud800", ""), 12, "wav")
    assert len(name.encode(errors="replace")) <= 255
    assert not set(name) & set('/\\:*?"<>|\0\n')
    assert name.startswith("07")


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("A/B: what?", "A B what"),
        ("..", "untitled"),
        ("CON", "_CON"),
        ("Chương 1", "Chương 1"),
    ],
)
def test_titles_keep_what_file_systems_take(title: str, name: str) -> None:
    assert safe_name(title) == name


def test_names_sort_in_the_books_order() -> None:
    assert chapter_name(2, "Two", 120, "wav") == "002 - Two.wav"
    assert chapter_name(3, "", 9, "flac") == "03.flac"


@pytest.mark.parametrize("format", sound.FORMATS)
def test_a_file_that_holds_the_same_sound_is_left_alone(store: Store, tmp_path: Path, format: str) -> None:
    audio, target = artifact(store, 1), tmp_path / f"one.{format}"
    assert write(store, audio, target, format)
    before = target.stat().st_ino
    assert not write(store, audio, target, format)
    assert target.stat().st_ino == before
    assert sound.probe(target) == (RATE, RATE, 1)


@pytest.mark.parametrize("format", sound.FORMATS)
def test_a_file_cut_short_or_with_other_sound_is_written_again(store: Store, tmp_path: Path, format: str) -> None:
    target = tmp_path / f"one.{format}"
    write(store, artifact(store, 1), target, format)
    assert write(store, artifact(store, 2), target, format)
    whole = target.read_bytes()
    target.write_bytes(whole[: len(whole) // 2])
    assert write(store, artifact(store, 2), target, format)
    assert sound.probe(target) == (RATE, RATE, 1)


def test_audio_that_the_store_has_lost_leaves_no_file(store: Store, tmp_path: Path) -> None:
    audio = artifact(store, 1)
    store.delete(audio.artifact)
    with pytest.raises(ArtifactMissing):
        write(store, audio, tmp_path / "one.wav", "wav")
    assert not (tmp_path / "one.wav").exists()


def test_an_unknown_format_is_refused_by_name() -> None:
    with pytest.raises(InvalidInput, match=r"format: 'ogg'"):
        format_of(Path("x.ogg"), None)
    assert format_of(Path("x.FLAC"), None) == "flac"
    assert format_of(Path("x.flac"), "wav") == "wav"
