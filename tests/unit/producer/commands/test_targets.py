"""Where a command's file can be written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from producer.commands.targets import check_place, film_target, write_out
from tasks.errors import InvalidInput, StoreError


def test_a_folder_that_is_not_there_or_cannot_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_place(tmp_path / "film.mp4")
    with pytest.raises(InvalidInput, match=f"^-o: there is no folder {tmp_path}/none; make it, or name another$"):
        check_place(tmp_path / "none" / "film.mp4")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(InvalidInput, match=f"^-o: folder {tmp_path} cannot be written; name another$"):
        check_place(tmp_path / "film.mp4")


def test_a_device_or_pipe_is_no_place_for_a_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/null")):
        with pytest.raises(InvalidInput, match=f"^-o: {path} is no ordinary file; name another$"):
            film_target(str(path), None)


def test_pictures_of_another_film_in_the_same_folder_are_counted(tmp_path: Path) -> None:
    target = film_target(str(tmp_path / "new" / "out"), "jpg")
    for name in ("frame_000000.jpg", "frame_000001.jpg", "frame_000002.jpg", "frame_000000.png", "other.jpg"):
        (target.path / name).touch()
    assert target.other_pictures(2) == 1
    assert film_target(str(tmp_path / "film.mp4"), None).other_pictures(0) == 0


def test_a_film_is_not_sent_to_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    assert film_target("-", None).is_stream
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    with pytest.raises(InvalidInput, match="^-o: a terminal shows no film; send it on: slotline video … -o - | mpv -$"):
        film_target("-", None)


def test_what_is_written_to_standard_output_is_all_there_and_a_full_disk_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read, write = os.pipe()
    with os.fdopen(write, "w") as out:
        monkeypatch.setattr("sys.stdout", out)
        write_out(b"film")
        assert os.read(read, 9) == b"film"
        os.close(read)
        with pytest.raises(BrokenPipeError):
            write_out(b"film")
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr("sys.stdout", full)
        with pytest.raises(StoreError, match="^-o: standard output cannot be written: No space left on device$"):
            write_out(b"film")
