"""How long each `generate` of a model took, by the clock of the process that computes.

A call writes its begin and its end, in seconds of the monotonic clock, to the file that BENCH_CLOCK names. As a module
of a slotline worker (`--include benchmarks.generate_clock`) it wraps the `generate` of transformers when the adapter
`bart` has loaded its model.
"""

from __future__ import annotations

import functools
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from workers.adapters.bart import Bart
from workers.adapters.base import Offer

FILE = "BENCH_CLOCK"


def timed(generate: Callable[..., Any]) -> Callable[..., Any]:
    """The same, with a line for each call."""

    @functools.wraps(generate)
    def call(*args: Any, **kwargs: Any) -> Any:
        began_s = time.monotonic()
        made = generate(*args, **kwargs)
        if path := os.environ.get(FILE):  # a benchmark that does not ask for it has no file
            with Path(path).open("a") as file:
                file.write(json.dumps([began_s, time.monotonic()]) + "\n")
        return made

    return call


def forget() -> None:
    """Begin anew: no call is noted yet."""
    Path(os.environ[FILE]).write_text("")


def share(since_s: float) -> float:
    """The seconds in `generate` of all seconds, over the calls that began at `since_s` or later."""
    lines = Path(os.environ[FILE]).read_text().splitlines()
    found = [call for call in map(json.loads, lines) if call[0] >= since_s]
    return float(sum(ended_s - began_s for began_s, ended_s in found[1:]) / (found[-1][1] - found[0][1]))


@functools.cache
def _wrap_generate() -> None:
    from transformers.generation import GenerationMixin

    GenerationMixin.generate = timed(GenerationMixin.generate)


_load = Bart.load


def _load_and_wrap(self: Bart) -> Offer:
    offer = _load(self)
    _wrap_generate()
    return offer


if os.environ.get(FILE):
    Bart.load = _load_and_wrap  # type: ignore[method-assign]
