"""The voices of a samples folder: which files they are, and by which names they go."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.errors import UnknownVoice
from workers.adapters.viettts.voices import in_folder, named


def test_each_audio_file_is_a_voice_by_its_whole_name_in_order(tmp_path: Path) -> None:
    for name in ("quynh.wav", "nguyen.ngoc-ngan.MP3", "atuan.ogg", "notes.txt", "wav"):
        (tmp_path / name).touch()
    (tmp_path / "folder.wav").mkdir()
    voices = in_folder(tmp_path)
    assert list(voices) == ["atuan", "nguyen.ngoc-ngan", "quynh"]
    assert voices["nguyen.ngoc-ngan"] == tmp_path / "nguyen.ngoc-ngan.MP3"


def test_of_two_files_of_one_name_the_one_without_loss_is_taken(tmp_path: Path) -> None:
    for suffix in (".mp3", ".flac", ".WAV"):
        (tmp_path / f"quynh{suffix}").touch()
    assert in_folder(tmp_path) == {"quynh": tmp_path / "quynh.WAV"}
    (tmp_path / "quynh.WAV").unlink()
    assert in_folder(tmp_path) == {"quynh": tmp_path / "quynh.flac"}


def test_a_folder_that_is_not_there_has_no_voice(tmp_path: Path) -> None:
    assert in_folder(tmp_path / "none") == {}


VOICES = {name: Path(f"{name}.wav") for name in ("Quynh", "quynh", "nguyen", "son-tung", "cdteam", "diep", "atuan")}


@pytest.mark.parametrize(("wanted", "meant"), [("quynh", "quynh"), ("Quynh", "Quynh"), ("NGUYEN", "nguyen")])
def test_a_voice_goes_by_its_name_exactly_or_else_in_any_case(wanted: str, meant: str) -> None:
    assert named(VOICES, wanted) == meant


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("nguyenn", "VietTTS has no voice 'nguyenn'; it has nguyen (7 in all)"),
        ("zzz", "VietTTS has no voice 'zzz'; it has Quynh, quynh, nguyen, son-tung, cdteam (7 in all)"),
    ],
)
def test_a_voice_that_is_not_there_names_the_nearest_or_the_first(wanted: str, said: str) -> None:
    with pytest.raises(UnknownVoice) as caught:
        named(VOICES, wanted)
    assert str(caught.value) == f"voice: {said}"


def test_where_all_voices_are_shown_they_are_not_counted() -> None:
    with pytest.raises(UnknownVoice, match=r"it has quynh$"):
        named({"quynh": Path("quynh.wav")}, "quyn")
