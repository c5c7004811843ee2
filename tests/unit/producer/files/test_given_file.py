"""A file that a person has named, or one line about it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from producer.files.given_file import check_ordinary, first_bytes, reading
from tasks.errors import InvalidInput


def test_a_file_gives_its_beginning(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"0123456789")
    assert first_bytes(tmp_path / "a", "a file") == b"0123456789"
    assert first_bytes(tmp_path / "a", "a file", 4) == b"0123"


def test_what_is_no_file_to_read_is_named_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    os.mkfifo(tmp_path / "pipe")
    expected = {
        "none": "no such file",
        "empty": "the file is empty",
        "pipe": "not an ordinary file; save it to one first",
        ".": "a folder; name a file with sound in it",
        "empty/inside": "cannot be read (Not a directory)",
        "x" * 300: "cannot be read (File name too long)",
    }
    for name, words in expected.items():
        with pytest.raises(InvalidInput) as caught:
            first_bytes(tmp_path / name, "a file with sound")
        assert str(caught.value) == f"{tmp_path / name}: {words}"


def test_a_file_may_be_empty_where_its_beginning_is_not_needed(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    check_ordinary(tmp_path / "empty", "a file")
    with pytest.raises(InvalidInput, match="none: no such file"), reading(tmp_path / "none"):
        check_ordinary(tmp_path / "none", "a file")
