"""When each step of a stretch was done in a slot, by the clock of the process that does it.

As a module of a slot worker (`--include benchmarks.film_clock`) it wraps the adapter's `prepare`, `run` and `finish`,
the craft's `encode` and the store's `put_bytes`. Each call writes a line to the file that BENCH_FILM_CLOCK names: the
step, the face, the first frame, begin and end in seconds of the monotonic clock. It compares nothing.
"""

from __future__ import annotations

import functools
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

FILE = "BENCH_FILM_CLOCK"
STEPS = ("prepare", "run", "finish", "encode", "store")
_last = threading.local()
"""The stretch that this thread has finished, which it then encodes and stores."""


def read(file: Path) -> dict[tuple[str, int], dict[str, tuple[float, float]]]:
    """The steps of each stretch, by its face and its first frame: begin and end."""
    found: dict[tuple[str, int], dict[str, tuple[float, float]]] = {}
    for line in file.read_text().splitlines() if file.exists() else ():
        step, face, start, begin_s, end_s, _ = json.loads(line)
        found.setdefault((face, start), {})[step] = (begin_s, end_s)
    return found


def spent(file: Path) -> dict[str, list[float]]:
    """How long each call of each step took, in seconds."""
    found: dict[str, list[float]] = {step: [] for step in STEPS}
    for line in file.read_text().splitlines():
        step, _, _, begin_s, end_s, _ = json.loads(line)
        found[step].append(end_s - begin_s)
    return found


def wrap_all(file: str) -> None:
    """Wrap the steps of the adapters that make film."""
    from tasks.store.artifacts import Store
    from workers.adapters import built_in, find
    from workers.sidecar.crafts.lipsync import LipsyncCraft

    makers: list[Any] = [find(name) for name in ("rehearsal", "lipsync") if name in built_in()]
    for adapter in makers:
        adapter.prepare = _timed(file, "prepare", adapter.prepare, lambda made: [made[1]])
        adapter.run = _timed(file, "run", adapter.run, lambda made: made[1])
        adapter.finish = _timed(file, "finish", adapter.finish, lambda made: [made[1]], is_kept=True)
    LipsyncCraft.encode = _timed(file, "encode", LipsyncCraft.encode, _kept)  # type: ignore[method-assign]
    Store.put_bytes = _timed(file, "store", Store.put_bytes, _kept)  # type: ignore[method-assign]


def _kept(_: object) -> list[Any]:
    return [_last.item] if getattr(_last, "item", None) is not None else []


def _timed(
    file: str, step: str, call: Callable[..., Any], items: Callable[[Any], Any], *, is_kept: bool = False
) -> Callable[..., Any]:
    @functools.wraps(call)
    def timed(*given: Any, **named: Any) -> Any:
        begin_s = time.monotonic()
        try:
            return call(*given, **named)
        finally:
            lines = list(_lines(step, items(given), begin_s, time.monotonic()))
            if lines:
                descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
                os.write(descriptor, "".join(lines).encode())
                os.close(descriptor)
            if is_kept:
                _last.item = given[1]

    return timed


def _lines(step: str, items: Any, begin_s: float, end_s: float) -> Iterator[str]:
    for item in items:
        if (start := getattr(item, "start", None)) is not None:
            yield json.dumps([step, getattr(item, "face", None) or "", start, begin_s, end_s, os.getpid()]) + "\n"


if os.environ.get(FILE):
    wrap_all(os.environ[FILE])
