"""A local file is the old one, the new one, or none; never half of one, and nothing is left beside it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.store.atomic import whole_file

ROOT = Path(__file__).resolve().parents[4]
ENDED_WHILE_IT_WRITES = """
import os, signal, sys
from pathlib import Path
from tasks.store.atomic import whole_file
from tasks.terminal import interrupt

interrupt.end_at_first_signal()
with whole_file(Path(sys.argv[1])) as draft:
    draft.write_bytes(b"half")
    os.kill(os.getpid(), signal.SIGINT)
"""


def test_a_reader_sees_the_old_file_until_the_new_one_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "new folder" / "a.wav"
    with whole_file(target) as draft:
        draft.write_bytes(b"first")
        assert not target.exists()
    with whole_file(target) as draft:
        draft.write_bytes(b"second")
        assert target.read_bytes() == b"first"
    assert target.read_bytes() == b"second"
    assert os.listdir(target.parent) == ["a.wav"]


def test_a_device_or_pipe_is_not_replaced_by_a_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="it is no ordinary file"), whole_file(tmp_path / "pipe"):
        pytest.fail("nothing is written")
    assert (tmp_path / "pipe").is_fifo()
    assert os.listdir(tmp_path) == ["pipe"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_block_that_fails_leaves_the_old_file_and_no_other(tmp_path: Path, error: type[BaseException]) -> None:
    target = tmp_path / "a.wav"
    target.write_bytes(b"before")

    def fail() -> None:
        with whole_file(target) as draft:
            draft.write_bytes(b"half")
            raise error

    with pytest.raises(error):
        fail()
    assert target.read_bytes() == b"before"
    assert os.listdir(tmp_path) == ["a.wav"]


def test_a_block_that_writes_nothing_is_the_systems_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), whole_file(tmp_path / "a.wav"):
        pass


def test_what_is_not_yet_whole_lies_hidden_or_where_it_is_asked_to(tmp_path: Path) -> None:
    with whole_file(tmp_path / "a.wav") as draft:
        draft.touch()
        assert (draft.parent, draft.name[0]) == (tmp_path, ".")
    with whole_file(tmp_path / "out" / "b.wav", drafts=tmp_path / "drafts") as draft:
        draft.write_bytes(b"b")
        assert draft.parent == tmp_path / "drafts"
    assert (tmp_path / "out" / "b.wav").read_bytes() == b"b"
    assert os.listdir(tmp_path / "drafts") == []


def test_of_two_that_write_at_once_the_last_to_end_wins(tmp_path: Path) -> None:
    target = tmp_path / "a.wav"
    with whole_file(target) as first:
        first.write_bytes(b"first")
        with whole_file(target) as second:
            second.write_bytes(b"second")
        assert target.read_bytes() == b"second"
    assert target.read_bytes() == b"first"


def test_the_longest_name_that_the_file_system_takes_is_written(tmp_path: Path) -> None:
    target = tmp_path / ("ế" * 83 + ".wav")  # 253 of at most 255 bytes
    with whole_file(target) as draft:
        draft.touch()
    assert os.listdir(tmp_path) == [target.name]


def test_other_users_may_read_it_as_the_umask_allows(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.touch()
    with whole_file(tmp_path / "whole") as draft:
        draft.touch()
    assert (tmp_path / "whole").stat().st_mode == plain.stat().st_mode


def test_a_process_that_ctrl_c_ends_at_once_leaves_no_half_file(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"old")
    done = subprocess.run([sys.executable, "-c", ENDED_WHILE_IT_WRITES, str(tmp_path / "a.wav")], cwd=ROOT, timeout=60)
    assert done.returncode == 130
    assert os.listdir(tmp_path) == ["a.wav"]
    assert (tmp_path / "a.wav").read_bytes() == b"old"
