"""Where a command's file can be written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from producer.commands.targets import check_place
from tasks.errors import InvalidInput


def test_a_folder_that_is_not_there_or_cannot_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_place(tmp_path / "film.mp4")
    with pytest.raises(InvalidInput, match=f"^-o: there is no folder {tmp_path}/none; make it, or name another$"):
        check_place(tmp_path / "none" / "film.mp4")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(InvalidInput, match=f"^-o: folder {tmp_path} cannot be written; name another$"):
        check_place(tmp_path / "film.mp4")
