"""Scratch folders go with their block, and with their process at the latest when the next one is made."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from tasks.store import scratch
from tasks.store.scratch import LOOK_S, PREFIX, YOUNG_S, remove_left_behind, scratch_folder

USER = """
import sys
from tasks.store.scratch import scratch_folder
with scratch_folder() as folder:
    (folder / "joined.wav").write_bytes(b"half")
    print(folder, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


def left(here: Path) -> list[Path]:
    return list(here.glob(f"{PREFIX}*"))


def later() -> float:
    return time.time() + 2 * YOUNG_S


def test_a_folder_is_there_in_its_block_and_gone_after_it_also_when_the_block_fails(here: Path) -> None:
    def fail() -> None:
        with scratch_folder() as folder:
            (folder / "file").write_text("content")
            assert left(here) == [folder]
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert left(here) == []


def test_the_folder_of_a_killed_process_is_removed_and_that_of_a_living_one_is_kept(here: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", USER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=dict(os.environ)
    )
    try:
        assert process.stdout is not None
        folder = Path(process.stdout.readline().strip())
        remove_left_behind(here, later())
        assert (folder / "joined.wav").read_bytes() == b"half"
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            assert pipe is not None
            pipe.close()
    remove_left_behind(here, time.time())
    assert left(here) == [folder], "it may be so young that its process has not locked it yet"
    remove_left_behind(here, later())
    assert left(here) == []


def test_a_process_looks_for_what_is_left_behind_once_in_a_while(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[Path] = []
    monkeypatch.setattr(scratch, "remove_left_behind", lambda where, now_s: looks.append(where))
    for _ in range(3):
        with scratch_folder():
            pass
    assert looks == [here], "a job that needs one for each of its steps does not read the whole folder each time"
    scratch._looked_s[here] -= LOOK_S
    with scratch_folder():
        pass
    assert looks == [here, here]


def test_what_is_no_folder_of_ours_is_left_alone(here: Path) -> None:
    (here / f"{PREFIX}file").write_text("somebody's")
    (here / "elsewhere").mkdir()
    (here / f"{PREFIX}link").symlink_to(here / "elsewhere")
    remove_left_behind(here, later())
    assert sorted(one.name for one in left(here)) == [f"{PREFIX}file", f"{PREFIX}link"]
    assert (here / "elsewhere").is_dir()
