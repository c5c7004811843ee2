"""Where stacks run on this machine: `slotline up` leaves a file in the run folder, and every command finds it there.

The file is locked by its process, so it counts only while that process lives; what a killed stack has left
behind is removed by the next look. The file is private (0600), because the URL or the options of a
Redis may have a password. Starts and stops nothing.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import time
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import IO, Self

from tasks.stacks import run_folder

PATTERN = "stack-*.json"


@dataclass(frozen=True)
class RunningStack:
    """A stack's address: its broker, store and catalog; its process, and when it started (seconds since 1970).

    `redis_options` are those of connections to its broker, as `SLOTLINE_REDIS_OPTIONS` has them.
    """

    broker_url: str
    store_url: str
    models_path: str
    pid: int
    started: float
    redis_options: str = ""


class StackFile:
    """The file of a stack of this process, locked while it is open; made by `leave`."""

    def __init__(self, path: Path, file: IO[str]) -> None:
        self._path = path
        self._file = file

    @classmethod
    def leave(cls, broker_url: str, store_url: str, models_path: str, redis_options: str = "") -> Self:
        """Leave the address for all commands of this user; raises `SettingsError` if there is no private folder."""
        stack = RunningStack(broker_url, store_url, models_path, os.getpid(), time.time(), redis_options)
        # The name is new each time: a process id may be used again, or be that of another container.
        path = run_folder.made() / f"stack-{stack.pid}-{secrets.token_hex(4)}.json"
        draft = path.with_suffix(".part")
        file = os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w")
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(json.dumps(asdict(stack)))
        file.flush()
        draft.rename(path)  # so nobody finds it unlocked, or half written
        return cls(path, file)

    def remove(self) -> None:
        """Let nobody find the stack any more; harmless when it is called again."""
        with contextlib.suppress(OSError):
            self._path.unlink()
        self._file.close()


def running() -> list[RunningStack]:
    """The stacks of this user that run on this machine, the oldest first; removes the files of dead ones."""
    folder = run_folder.run_folder()
    if not run_folder.is_private(folder):
        return []
    found = [stack for path in folder.glob(PATTERN) if (stack := _running(path))]
    return sorted(found, key=lambda stack: stack.started)


def _running(path: Path) -> RunningStack | None:
    """The stack of this file, or None if its process is dead or the file cannot be read."""
    try:
        with path.open() as file:
            if _is_locked(file):
                return _read(file)
            path.unlink()
    except OSError:
        pass  # removed meanwhile
    return None


def _is_locked(file: IO[str]) -> bool:
    try:
        # Shared: two commands that look at the same time must not take each other for the stack.
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    return False


def _read(file: IO[str]) -> RunningStack | None:
    try:
        found = json.load(file)
        return RunningStack(**{one.name: found[one.name] for one in fields(RunningStack) if one.name in found})
    except (ValueError, KeyError, TypeError):
        return None
