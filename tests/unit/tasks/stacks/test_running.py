"""A stack is found while its process lives, by its own user, and not a moment longer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.launch import environment
from tasks.stacks.running import StackFile, running

ADDRESS = ("redis://:secret@127.0.0.1:7777/0", "/data/store", "/data/models.toml")
KILLED = (
    "from tasks.stacks.running import StackFile; StackFile.leave('a', 'b', 'c'); import os; os.kill(os.getpid(), 9)"
)


def files(run: Path) -> list[Path]:
    return sorted((run / "slotline").glob("*"))


def test_where_none_was_ever_started_none_is_found() -> None:
    assert running() == []


def test_a_stack_is_found_until_it_is_removed_and_its_password_stays_private(own_run_folder: Path) -> None:
    file = StackFile.leave(*ADDRESS, "password=p")
    [found] = running()
    assert (found.broker_url, found.store_url, found.models_path, found.pid) == (*ADDRESS, os.getpid())
    assert found.redis_options == "password=p"
    [path] = files(own_run_folder)
    assert path.stat().st_mode & 0o777 == 0o600
    file.remove()
    assert running() == []
    assert files(own_run_folder) == []
    file.remove()


def test_several_are_found_the_oldest_first() -> None:
    one, other = StackFile.leave(*ADDRESS), StackFile.leave("redis://other", "s", "m")
    assert [found.broker_url for found in running()] == [ADDRESS[0], "redis://other"]
    one.remove()
    other.remove()


def test_what_a_killed_stack_left_is_not_found_and_is_removed(own_run_folder: Path) -> None:
    subprocess.run([sys.executable, "-c", KILLED], env=environment({}), check=False)
    assert len(files(own_run_folder)) == 1
    assert running() == []
    assert files(own_run_folder) == []


def test_a_file_with_the_id_of_a_living_process_that_does_not_hold_it_is_stale(own_run_folder: Path) -> None:
    StackFile.leave(*ADDRESS).remove()
    old = {"broker_url": "a", "store_url": "b", "models_path": "c", "pid": os.getpid(), "started": 1.0}
    (own_run_folder / "slotline" / "stack-1-old.json").write_text(json.dumps(old))
    assert running() == []


def test_a_folder_of_others_is_not_looked_into(own_run_folder: Path) -> None:
    file = StackFile.leave(*ADDRESS)
    (own_run_folder / "slotline").chmod(0o755)
    assert running() == []
    file.remove()


@pytest.mark.parametrize("written", ["", "{", "[]", '{"pid": 1}'])
def test_a_file_that_cannot_be_read_is_passed_over(own_run_folder: Path, written: str) -> None:
    file = StackFile.leave(*ADDRESS)
    [path] = files(own_run_folder)
    path.write_text(written)  # the same file, still locked
    assert running() == []
    file.remove()


def test_a_newer_version_may_write_more(own_run_folder: Path) -> None:
    file = StackFile.leave(*ADDRESS)
    [path] = files(own_run_folder)
    path.write_text(json.dumps({**json.loads(path.read_text()), "mood": "good"}))
    assert [found.broker_url for found in running()] == [ADDRESS[0]]
    file.remove()
