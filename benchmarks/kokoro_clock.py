"""How long each run of Kokoro took in the slots' children, by the clock of the process that computes.

Like `generate_clock`, and to the same file: as a module of a slotline worker (`--include benchmarks.kokoro_clock`) it
wraps the adapter's `run`. It compares nothing.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from benchmarks.generate_clock import FILE, timed
from workers.adapters.kokoro import Kokoro


def share(slots: int) -> float:
    """The seconds in the model of all seconds of so many slots, from the first begin to the last end."""
    calls = [json.loads(line) for line in Path(os.environ[FILE]).read_text().splitlines()]
    began_s, ended_s = min(call[0] for call in calls), max(call[1] for call in calls)
    return float(sum(end - begin for begin, end in calls) / slots / (ended_s - began_s))


if os.environ.get(FILE):
    Kokoro.run = timed(Kokoro.run)  # type: ignore[method-assign]
