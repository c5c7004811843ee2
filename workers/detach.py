"""Starts a worker in the background: `--detach`, and so `celery multi start`.

Celery detaches before anything is checked, so a refusal went to /dev/null with status 0. Here the starter waits
until its worker has started (it has its slot, its log and its pidfile) or has ended. Guarantees: the starter's exit
status is 0 only for a worker that has started; what a refused one said is on the terminal, and in its log file.
Loads no model and waits for none.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from celery.utils.nodenames import node_format

from tasks.exit_codes import DONE, FAILED, INTERRUPTED

STARTED_FD = "SLOTLINE_STARTED_FD"
"""Variable of the started process: the file descriptor that reports its start to its starter."""

DETACHES = re.compile(r"-[BE]*D[BDE]*")
"""`-D`, alone or among the other options of `celery worker` that have one letter and no value."""


def detach(
    path: str,
    argv: Sequence[str],
    logfile: str | None = None,
    pidfile: str | None = None,
    uid: Any = None,
    gid: Any = None,
    umask: str | int | None = None,
    workdir: str | None = None,
    fake: bool = False,
    app: Any = None,
    executable: str | None = None,
    hostname: str | None = None,
) -> NoReturn:
    """Celery's function of this name, which ends the starter. The worker itself takes `uid`, `gid` and `pidfile`."""
    command = [executable or path, "-m", "celery", *attached(sys.argv[1:])]
    text, status = start(command, umask=_umask(umask), workdir=workdir)
    if status != DONE and logfile:
        # The terminal has it already; a log that cannot be written is what the text is about.
        with contextlib.suppress(OSError), open(node_format(logfile, hostname), "ab") as log:
            log.write(text)
    raise SystemExit(status)


def attached(arguments: Sequence[str]) -> list[str]:
    """The same arguments of a command line without those that detach."""
    kept = []
    for one in arguments:
        if DETACHES.fullmatch(one):
            one = one.replace("D", "")
        if one not in ("--detach", "-"):
            kept.append(one)
    return kept


def start(command: Sequence[str], umask: int = -1, workdir: str | None = None) -> tuple[bytes, int]:
    """Run the command in a session of its own until it reports its start or ends.

    What it writes until then goes to stderr as well. Returns it, and 0 or the command's exit status.
    """
    reads, writes = os.pipe()
    environment = {name: value for name, value in os.environ.items() if name != "CELERY_WORKER_DETACH"}
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        pass_fds=(writes,),
        env={**environment, STARTED_FD: str(writes)},
        start_new_session=True,
        cwd=workdir,
        umask=umask,
    )
    os.close(writes)
    with open(reads, "rb") as report:
        try:
            written = _until_it_writes_elsewhere(process)
            if report.read(1):
                process.returncode = DONE  # it goes on, and is no longer this process's
                return written, DONE
            status = process.wait()
        except KeyboardInterrupt:
            process.terminate()
            return b"", INTERRUPTED
    return written, status if status > 0 else FAILED


def _until_it_writes_elsewhere(process: subprocess.Popen[bytes]) -> bytes:
    """What the process writes until it ends or has started, which is also written to stderr at once."""
    written = b""
    assert process.stdout is not None
    with process.stdout as lines:
        for line in lines:
            sys.stderr.buffer.write(line)
            sys.stderr.flush()
            written += line
    return written


def report_started(logfile: str | None) -> None:
    """In the started worker: let the starter end, and write to the log file what is printed from now on.

    Does nothing in a worker that was started in the foreground.
    """
    if not (number := os.environ.pop(STARTED_FD, "")):
        return
    with open(logfile or os.devnull, "ab") as rest:
        os.dup2(rest.fileno(), 1)
        os.dup2(rest.fileno(), 2)
    os.write(int(number), b"1")
    os.close(int(number))


def _umask(given: str | int | None) -> int:
    """The umask as Celery reads it: octal with a leading 0; -1: unchanged."""
    if isinstance(given, str):
        return int(given, 8 if given.startswith("0") else 10)
    return -1 if given is None else given
