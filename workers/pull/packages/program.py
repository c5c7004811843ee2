"""Runs a registry's own program (pip, npm), and watches the folder in which it works.

The folder's growth is the progress, and a sign of life: a program that writes nothing for too long is ended. It
ends with this process, however that ends.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tasks.launch import die_with_parent
from tasks.terminal import interrupt

LOOK_EVERY_S = 0.1
ENDS_WITHIN_S = 3.0
KEPT_BYTES = 64 * 1024


@dataclass(frozen=True)
class Ended:
    """How a program ended: its status and its words; a silent one has none."""

    status: int
    errors: str
    is_silent: bool = False


def run(
    command: Sequence[str],
    environment: Mapping[str, str],
    folder: Path,
    silent_s: float,
    grown: Callable[[int], None] = lambda size_bytes: None,
    *,
    is_inside: bool = False,
) -> Ended:
    """Run the command to its end; `grown` is told the size of what is in the folder.

    `is_inside`: its current folder is that one.

    The program is ended if the folder does not grow for `silent_s`, and before `Interrupted` is raised. Raises
    `FileNotFoundError` if there is no such program.
    """
    process = subprocess.Popen(
        list(command),
        env=dict(environment),
        cwd=folder if is_inside else None,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,  # not a file: the disk may be full
        start_new_session=True,  # it and what it starts are ended together; the terminal's Ctrl-C is for slotline
        preexec_fn=die_with_parent(),
    )
    words = _Words(process)
    try:
        is_silent = not _watch(process, folder, silent_s, grown)
    finally:
        _end(process)
    return Ended(process.returncode, words.last(), is_silent)


class _Words:
    """Reads what a program says, so that it never waits for a reader; keeps the end of it."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._pipe = process.stderr
        self._kept = bytearray()
        self._thread = threading.Thread(target=self._read, name="slotline-words", daemon=True)
        self._thread.start()

    def last(self) -> str:
        """What it said last, after its end."""
        self._thread.join(ENDS_WITHIN_S)  # what it has started may still hold the pipe
        return self._kept.decode(errors="replace")

    def _read(self) -> None:
        if self._pipe is None:
            return
        with self._pipe:
            while block := os.read(self._pipe.fileno(), KEPT_BYTES):
                self._kept += block
                del self._kept[:-KEPT_BYTES]


def _watch(process: subprocess.Popen[bytes], folder: Path, silent_s: float, grown: Callable[[int], None]) -> bool:
    """Wait for its end; False if it has been silent for too long."""
    last_bytes, last_s = -1, time.monotonic()
    while process.poll() is None:
        size_bytes = size_of(folder)
        if size_bytes != last_bytes:
            last_bytes, last_s = size_bytes, time.monotonic()
            grown(size_bytes)
        if time.monotonic() - last_s > silent_s:
            return False
        interrupt.pause(LOOK_EVERY_S)
    return True


def size_of(folder: Path) -> int:
    """The bytes of all files in the folder, which may change meanwhile."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.stat(os.path.join(parent, name)).st_size
            except OSError:
                continue
    return total


def last_line(text: str) -> str:
    """The last line of a program's errors that says something, without its mark `ERROR:`."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1].removeprefix("ERROR:").strip() if lines else "no reason was given"


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the program and all that it has started, if it still runs."""
    if process.poll() is not None:
        return
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        try:
            process.wait(ENDS_WITHIN_S)
            return
        except subprocess.TimeoutExpired:
            continue
