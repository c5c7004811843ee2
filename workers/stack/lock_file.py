"""The lock file of a data folder: one stack at a time uses the folder, and finds the address of the last one.

Two Redis servers on one append-only file would ruin it, and a stack that starts removes the logs
of the last one. The lock is the kernel's, so it ends
with its process in any case; the content of the file stays.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self

import redis

from tasks.errors import SettingsError, SlotlineError
from tasks.redis import broker
from workers.stack.embedded_redis import HOST

NAME = "stack.json"
POLL_S = 0.1
REDIS_ENDS_WITHIN_S = 15.0


@dataclass(frozen=True)
class LastStack:
    """The last stack that used a data folder: its process, its Redis' process and port, its URL. Empty: none.

    `is_private`: it ends with the command that started it, by `--local`, and no other command finds it.
    """

    pid: int = 0
    redis_pid: int = 0
    port: int = 0
    broker_url: str = ""
    is_private: bool = False

    @property
    def free_port(self) -> int:
        """The port of its Redis if it is free, else 0. With the same port, exported variables stay valid."""
        return self.port if self.port and _is_free(self.port) else 0

    def wait_for_redis_to_end(self) -> None:
        """Wait: when that stack was killed, its Redis may still be writing. Raises `SlotlineError` if it stays."""
        if not self.broker_url:
            return
        deadline = time.monotonic() + REDIS_ENDS_WITHIN_S
        client = broker.client(self.broker_url)
        try:
            while _process_of(client) == self.redis_pid:
                if time.monotonic() > deadline:
                    raise SlotlineError(
                        f"the Redis of an earlier stack (pid {self.redis_pid}) still runs at {self.broker_url}; end it"
                    )
                time.sleep(POLL_S)
        except redis.RedisError:
            return
        finally:
            client.close()


class LockFile:
    """The lock on the folder `data`, for a stack that other commands find, or a private one; made by `open`."""

    def __init__(self, data: Path, file: IO[str], is_private: bool) -> None:
        self._data = data
        self._file = file
        self._is_private = is_private

    @classmethod
    def open(cls, data: Path, is_private: bool = False) -> Self:
        """The lock of this folder, which is created if missing; raises `SettingsError` if it cannot be written."""
        try:
            data.mkdir(parents=True, exist_ok=True)
            file = (data / NAME).open("a+")
            os.fchmod(file.fileno(), 0o600)  # the URL of somebody's Redis may have a password
            return cls(data, file, is_private)
        except OSError as exc:
            raise SettingsError(f"--data: {data} cannot be written ({exc.strerror}); name another folder") from exc

    def take(self) -> LastStack:
        """Hold the data folder until `close`; gives the last stack. Raises `SlotlineError` while that one runs."""
        last = self._read()
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise SlotlineError(self._refusal(last)) from None
        return last

    def write(self, redis_pid: int | None, port: int, broker_url: str) -> None:
        """Write where this process' stack is, for the next one. `port` is the last embedded Redis' port."""
        self._file.seek(0)
        self._file.truncate()
        stack = {"pid": os.getpid(), "redis_pid": redis_pid, "port": port, "broker_url": broker_url}
        self._file.write(json.dumps({**stack, "is_private": self._is_private}))
        self._file.flush()

    def close(self) -> None:
        """Let another stack use the folder."""
        self._file.close()

    def _refusal(self, other: LastStack) -> str:
        """What the user can do while another stack has the folder: a command with `--local` has no `--data`."""
        where = f"(pid {other.pid or '?'}) runs with the data in {self._data}"
        elsewhere = "" if self._is_private else ", or name another --data"
        if other.is_private:
            of = "the stack of a command with --local"
            return f"{of} {where}, and no other command finds it: wait until it ends{elsewhere}"
        use = "leave out --local to use it" if self._is_private else "use it"
        found = f"your commands find it; others: export CELERY_BROKER_URL={other.broker_url or '…'}"
        return f"another stack {where}: {use} ({found}), or stop it{elsewhere}"

    def _read(self) -> LastStack:
        self._file.seek(0)
        try:
            found = json.loads(self._file.read() or "{}")
        except ValueError:
            return LastStack()
        if not isinstance(found, dict):
            return LastStack()
        return LastStack(
            pid=int(found.get("pid") or 0),
            redis_pid=int(found.get("redis_pid") or 0),
            port=int(found.get("port") or 0),
            broker_url=str(found.get("broker_url") or ""),
            is_private=found.get("is_private") is True,
        )


def _process_of(client: redis.Redis) -> int:
    info: Any = client.info("server")
    return int(info.get("process_id", 0))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
