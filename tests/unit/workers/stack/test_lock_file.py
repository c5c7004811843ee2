"""One stack uses a data folder at a time, and the next one knows where the last one was."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from redis import Redis

from tasks.errors import SettingsError, SlotlineError
from workers.stack import lock_file
from workers.stack.lock_file import LastStack, LockFile


def test_a_new_folder_had_no_stack(tmp_path: Path) -> None:
    lock = LockFile.open(tmp_path / "new" / "data")
    assert lock.take() == LastStack()
    lock.close()


def test_the_next_stack_reads_what_the_last_one_wrote(tmp_path: Path) -> None:
    first = LockFile.open(tmp_path)
    first.take()
    first.write(12, 7777, "redis://127.0.0.1:7777/0")
    first.close()
    assert (tmp_path / lock_file.NAME).stat().st_mode & 0o777 == 0o600
    second = LockFile.open(tmp_path)
    assert second.take() == LastStack(os.getpid(), 12, 7777, "redis://127.0.0.1:7777/0")
    second.close()


def test_a_folder_in_use_is_refused_and_its_stack_named(tmp_path: Path) -> None:
    first, second = LockFile.open(tmp_path), LockFile.open(tmp_path)
    first.take()
    first.write(12, 7777, "redis://127.0.0.1:7777/0")
    with pytest.raises(
        SlotlineError, match=rf"\(pid {os.getpid()}\).*export CELERY_BROKER_URL=redis://127.0.0.1:7777/0"
    ):
        second.take()
    first.close()
    second.take()
    second.close()


@pytest.mark.parametrize(
    ("running_is_private", "asking_is_private", "advice"),
    [
        (False, False, "another stack .*: use it .your commands find it; .*, or stop it, or name another --data$"),
        (False, True, "another stack .*: leave out --local to use it .your commands find it; .*, or stop it$"),
        (True, False, "the stack of a command with --local .* no other command finds it: wait .*name another --data$"),
        (True, True, "the stack of a command with --local .* no other command finds it: wait until it ends$"),
    ],
)
def test_who_is_refused_is_told_only_what_his_command_can_do(
    tmp_path: Path, running_is_private: bool, asking_is_private: bool, advice: str
) -> None:
    first, second = LockFile.open(tmp_path, running_is_private), LockFile.open(tmp_path, asking_is_private)
    first.take()
    first.write(12, 7777, "redis://127.0.0.1:7777/0")
    with pytest.raises(SlotlineError, match=advice):
        second.take()
    first.close()
    second.close()


@pytest.mark.parametrize("written", ["", "{", "[1]", '"text"'])
def test_a_file_that_cannot_be_read_counts_as_no_stack(written: str, tmp_path: Path) -> None:
    (tmp_path / lock_file.NAME).write_text(written)
    lock = LockFile.open(tmp_path)
    assert lock.take() == LastStack()
    lock.close()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="^--data: .*file/data cannot be written"):
        LockFile.open(tmp_path / "file" / "data")


def test_the_last_port_is_used_again_only_while_it_is_free() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert LastStack(port=port).free_port == 0
    assert LastStack(port=port).free_port == port
    assert LastStack().free_port == 0


def test_the_redis_of_a_killed_stack_is_waited_for_and_named_when_it_stays(
    broker: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    LastStack().wait_for_redis_to_end()
    LastStack(redis_pid=1, broker_url="redis://127.0.0.1:1/0").wait_for_redis_to_end()
    with Redis.from_url(broker) as client:
        info = client.info("server")
    LastStack(redis_pid=info["process_id"] + 1, broker_url=broker).wait_for_redis_to_end()
    monkeypatch.setattr(lock_file, "REDIS_ENDS_WITHIN_S", 0.0)
    with pytest.raises(SlotlineError, match=f"pid {info['process_id']}.* still runs at"):
        LastStack(redis_pid=info["process_id"], broker_url=broker).wait_for_redis_to_end()
