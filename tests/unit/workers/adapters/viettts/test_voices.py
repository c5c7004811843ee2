"""The voices of a samples folder: which files they are, and by which names they go."""

from __future__ import annotations

from pathlib import Path

from workers.adapters.viettts.voices import in_folder


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
