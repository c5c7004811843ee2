"""Command lines and environments for the processes that slotline starts. Starts nothing itself.

A started process imports slotline's own `tasks/` and `workers/`, never folders of the same
names in the current folder: PYTHONSAFEPATH turns off Python's unsafe path entries. Celery
itself imports from the current folder, so it is started in the folder of slotline's packages.
"""

from __future__ import annotations

import ctypes
import os
import signal
import site
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from tasks.exit_codes import FAILED

PR_SET_PDEATHSIG = 1


def code_home() -> Path:
    """The folder of the running slotline's packages `tasks`, `workers` and `producer`."""
    return Path(__file__).resolve().parent.parent


def slotline_command(*arguments: str) -> list[str]:
    """The command line that runs `slotline` with these arguments and this interpreter."""
    return [sys.executable, "-m", "tasks.command", *arguments]


def celery_command(*arguments: str) -> list[str]:
    """The command line that runs `celery -A workers` with this interpreter; its folder must be `code_home()`."""
    return [sys.executable, "-m", "celery", "-A", "workers", *arguments]


def environment(extra: Mapping[str, str]) -> dict[str, str]:
    """This process's environment, changed by `extra`; a process with it imports this slotline and no other."""
    made = {**os.environ, "PYTHONSAFEPATH": "1", **extra}
    home = str(code_home())
    # An installed slotline is on the path already; a checkout must be added.
    if home not in {str(Path(entry).resolve()) for entry in (*site.getsitepackages(), site.getusersitepackages())}:
        made["PYTHONPATH"] = os.pathsep.join(filter(None, [home, made.get("PYTHONPATH", "")]))
    return made


def die_with_parent(number: int = signal.SIGKILL) -> Callable[[], None] | None:
    """A `preexec_fn`: the kernel sends the process this signal when the starting *thread* ends. Linux; else None."""
    if not sys.platform.startswith("linux"):
        return None
    # Loaded before the fork: between fork and exec only the call itself is safe.
    prctl = ctypes.CDLL(None).prctl
    parent = os.getpid()

    def ask() -> None:
        prctl(PR_SET_PDEATHSIG, int(number))
        if os.getppid() != parent:  # the parent died before prctl
            os._exit(FAILED)

    return ask
