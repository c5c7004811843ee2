"""What each process computes, as it begins to: a line for each input, in the file that BENCH_JOURNAL names.

It wraps the `run` of ONNX Runtime's sessions in the process that calls `begin`, or that loads it as a module of a
slotline worker (`--include benchmarks.own_model.journal`). An input is known by a digest of its row of numbers.
Without that variable nothing is noted.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

FILE = "BENCH_JOURNAL"


@functools.cache
def begin() -> None:
    """Note from now on what this process computes."""
    if path := os.environ.get(FILE):
        import onnxruntime

        onnxruntime.InferenceSession.run = _noting(onnxruntime.InferenceSession.run, Path(path))


def lines() -> list[dict[str, Any]]:
    """What was noted so far: the process, the time by the monotonic clock in seconds, the input."""
    path = Path(os.environ[FILE])
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def _noting(run: Callable[..., Any], path: Path) -> Callable[..., Any]:
    @functools.wraps(run)
    def call(self: Any, outputs: Any, feed: dict[str, Any], *others: Any) -> Any:
        (rows,) = feed.values()
        common = {"pid": os.getpid(), "at_s": time.monotonic()}
        told = [json.dumps({**common, "input": hashlib.sha256(row).hexdigest()[:16]}) + "\n" for row in rows]
        with path.open("a") as file:
            file.write("".join(told))
        return run(self, outputs, feed, *others)

    return call


begin()
