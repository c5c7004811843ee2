"""Audio files for a person: complete, and nothing written twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from producer.files.audio import format_of, write_audio
from tasks.errors import ArtifactMissing, InvalidInput
from tasks.media import audio as sound
from tasks.store.artifacts import Store
from tests.unit.producer.files.conftest import RATE, artifact


@pytest.mark.parametrize("format", sound.FORMATS)
def test_a_file_that_holds_the_same_sound_is_left_alone(store: Store, tmp_path: Path, format: str) -> None:
    audio, target = artifact(store, 1), tmp_path / f"one.{format}"
    assert write_audio(store, audio, target, format)
    before = target.stat().st_ino
    assert not write_audio(store, audio, target, format)
    assert target.stat().st_ino == before
    assert sound.probe(target) == (RATE, RATE, 1)


@pytest.mark.parametrize("format", sound.FORMATS)
def test_a_file_cut_short_or_with_other_sound_is_written_again(store: Store, tmp_path: Path, format: str) -> None:
    target = tmp_path / f"one.{format}"
    write_audio(store, artifact(store, 1), target, format)
    assert write_audio(store, artifact(store, 2), target, format)
    whole = target.read_bytes()
    target.write_bytes(whole[: len(whole) // 2])
    assert write_audio(store, artifact(store, 2), target, format)
    assert sound.probe(target) == (RATE, RATE, 1)


def test_audio_that_the_store_has_lost_leaves_no_file(store: Store, tmp_path: Path) -> None:
    audio = artifact(store, 1)
    store.delete(audio.artifact)
    with pytest.raises(ArtifactMissing):
        write_audio(store, audio, tmp_path / "one.wav", "wav")
    assert not (tmp_path / "one.wav").exists()


def test_an_unknown_format_is_refused_by_name() -> None:
    with pytest.raises(InvalidInput, match=r"format: 'ogg'"):
        format_of(Path("x.ogg"), None)
    assert format_of(Path("x.FLAC"), None) == "flac"
    assert format_of(Path("x.flac"), "wav") == "wav"
