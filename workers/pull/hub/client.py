"""Asks the process that talks to the model hub, and ends it if it does not get on. Raises errors of one line.

Guarantees: an answer or an error within `LIMIT_S`, or, while a file comes, within `STALL_S` after its last byte;
no process is left behind.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tasks import launch
from tasks.errors import SourceUnavailable
from tasks.terminal import interrupt

INSTALL = "pip install 'slotline[hub]'"

LIMIT_S = 20.0
"""For the first answer; it includes the import of huggingface_hub, a second on a busy machine."""

STALL_S = 12.0
"""huggingface_hub itself retries five times, for 23 s where no connection can be made (measured with 0.36 and 2.4)."""

LOOK_EVERY_S = 0.2

OFFLINE = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
TRUE = frozenset(("1", "ON", "YES", "TRUE"))


class RevisionGone(SourceUnavailable):
    """The hub no longer has the revision that is asked for."""


class HubProcess:
    """The process, started by `with`."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._said = ""
        """What huggingface_hub logged last."""
        self._rest = b""

    def __enter__(self) -> Self:
        require()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "workers.pull.hub.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=launch.environment(environment(os.environ)),
            start_new_session=True,  # Ctrl-C is this process's to handle
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is None:
            return
        self._process.kill()
        self._process.communicate()

    def info(self, repo: str, revision: str | None) -> dict[str, Any]:
        """The `commit` of a revision (None: the newest), and its `files`: path -> `bytes`, `sha256`, `git`."""
        deadline = time.monotonic() + LIMIT_S
        found: dict[str, Any] = self._ask({"do": "info", "repo": repo, "revision": revision}, LIMIT_S, lambda: deadline)
        return found

    def download(self, repo: str, commit: str, path: str, folder: Path, progress: Callable[[int], None]) -> Path:
        """The file in `folder`; `progress` is told its bytes so far."""
        seen, deadline = -1, 0.0

        def until() -> float:
            nonlocal seen, deadline
            if (size := arrived(folder, path)) != seen:
                seen, deadline = size, time.monotonic() + STALL_S
                progress(size)
            return deadline

        request = {"do": "download", "repo": repo, "commit": commit, "path": path, "folder": str(folder)}
        while True:
            before = arrived(folder, path)
            try:
                got = Path(self._ask(request, STALL_S, until))
                progress(_size(got))
                return got
            except SourceUnavailable:
                if arrived(folder, path) <= before or not self._lives:
                    raise  # else the connection broke after some bytes: go on behind them

    def _ask(self, request: Mapping[str, Any], limit_s: float, until: Callable[[], float]) -> Any:
        """The answer; raises `SourceUnavailable`, or the disk's `OSError`. `limit_s` is for the words about a limit."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._said = ""
        try:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise SourceUnavailable("the process of huggingface_hub has ended") from None
        while True:
            answer = self._line(limit_s, until)
            if "says" in answer:
                self._said = _reason(str(answer["says"])) or self._said
            elif "done" in answer:
                return answer["done"]
            else:
                raise _error(answer)

    @property
    def _lives(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def _line(self, limit_s: float, until: Callable[[], float]) -> dict[str, Any]:
        assert self._process is not None
        assert self._process.stdout is not None
        file = self._process.stdout.fileno()
        while b"\n" not in self._rest:
            if time.monotonic() >= until():
                self._process.kill()
                raise SourceUnavailable(
                    f"{endpoint()} gave nothing for {limit_s:g} s{self._said and f' ({self._said})'}"
                )
            interrupt.check()
            if not select.select([file], [], [], LOOK_EVERY_S)[0]:
                continue
            if not (read := os.read(file, 65536)):
                raise SourceUnavailable("huggingface_hub cannot be used: its process ended; run: " + INSTALL)
            self._rest += read
        line, _, self._rest = self._rest.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        return answer


def require() -> None:
    """Raise `SourceUnavailable` without huggingface_hub, and where the user has set it offline."""
    for name in OFFLINE:
        if os.environ.get(name, "").upper() in TRUE:
            raise SourceUnavailable(f"{name}={os.environ[name]} is set, which forbids it; unset it")
    if find_spec("huggingface_hub") is None:
        raise SourceUnavailable(f"huggingface_hub is not installed; run: {INSTALL}")


def endpoint() -> str:
    """The hub's address."""
    return os.environ.get("HF_ENDPOINT") or "https://huggingface.co"


def environment(own: Mapping[str, str]) -> dict[str, str]:
    """What the process's environment has besides the user's: huggingface_hub is silent, and can go on with a file."""
    usual = {"HF_HUB_DISABLE_XET": "1", "HF_HUB_ETAG_TIMEOUT": "5"}
    fixed = {"HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_ENABLE_HF_TRANSFER": "0"}
    return {**{name: value for name, value in usual.items() if name not in own}, **fixed}


def arrived(folder: Path, path: str) -> int:
    """The bytes of the file that is downloaded now: of its unfinished part, or of the file."""
    sizes = [_size(one) for one in (folder / ".cache").rglob("*.incomplete")]
    return max([_size(folder / path), *sizes])


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _reason(said: str) -> str:
    """Why huggingface_hub tries again; empty for the line that says only when."""
    line = " ".join(said.split()).removesuffix("Trying to resume download...").strip()
    return "" if line.startswith("Retrying in") else line[:200]


def _error(answer: Mapping[str, Any]) -> Exception:
    if "errno" in answer:
        return OSError(answer["errno"], os.strerror(answer["errno"]), answer["path"])
    if answer.get("kind") == "revision":
        return RevisionGone(answer["error"])
    return SourceUnavailable(f"{endpoint()}: {answer['error']}")
