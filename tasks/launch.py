"""How slotline starts a process of its own: its own code, a safe folder, an end with its starter.

A `tasks/` or `workers/` in the folder where a person works is never imported: Python's
unsafe path entries are off (PYTHONSAFEPATH), and Celery, which looks into the current
folder itself, is started in the folder that holds slotline's packages. Starts nothing.
"""

from __future__ import annotations

import ctypes
import os
import signal
import site
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

PR_SET_PDEATHSIG = 1


def code_home() -> Path:
    """The folder that holds the packages `tasks`, `workers` and `producer` of this very slotline."""
    return Path(__file__).resolve().parent.parent


def slotline_command(*arguments: str) -> list[str]:
    """The command line of `slotline` with these arguments, by this interpreter."""
    return [sys.executable, "-m", "tasks.command", *arguments]


def celery_command(*arguments: str) -> list[str]:
    """The command line of `celery -A workers` with these arguments, by this interpreter; to run in `code_home()`."""
    return [sys.executable, "-m", "celery", "-A", "workers", *arguments]


def environment(extra: Mapping[str, str]) -> dict[str, str]:
    """This process's environment, changed by `extra`, in which the process finds this slotline and no other."""
    made = {**os.environ, "PYTHONSAFEPATH": "1", **extra}
    home = str(code_home())
    # An installed slotline lies on the path already; a checkout has to be put there.
    if home not in {str(Path(entry).resolve()) for entry in (*site.getsitepackages(), site.getusersitepackages())}:
        made["PYTHONPATH"] = os.pathsep.join(filter(None, [home, made.get("PYTHONPATH", "")]))
    return made


def die_with_parent(number: int = signal.SIGKILL) -> Callable[[], None] | None:
    """A `preexec_fn` that asks the kernel for this signal when the starter's *thread* ends. Linux only, else None."""
    if not sys.platform.startswith("linux"):
        return None
    # Loaded before the fork: between fork and exec only the plain call is safe.
    prctl = ctypes.CDLL(None).prctl
    parent = os.getpid()

    def ask() -> None:
        prctl(PR_SET_PDEATHSIG, int(number))
        if os.getppid() != parent:  # it died before we asked
            os._exit(1)

    return ask
