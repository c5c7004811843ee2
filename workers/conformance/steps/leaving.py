"""The end of a model, and its return: memory comes back, and the same model gives the same outputs again."""

from __future__ import annotations

import itertools
import time
from collections import Counter
from pathlib import Path

from workers.conformance.memory import Memory
from workers.conformance.step import Checking, Step, Wrong, megabytes
from workers.conformance.steps.computing import SEED, differ
from workers.conformance.steps.loading import ATTACH, LOAD
from workers.conformance.steps.table import size_of

UNLOAD = "unload"
RELOAD = "reload"
MEMORY = "memory"

LARGE_BYTES = 64_000_000
"""A model whose files have so much must give back half of it, at least."""

LEAK_BYTES = 3_000_000
"""What each further load and unload may add."""

GPU_LEAK_BYTES = 64_000_000
TORCH_LEFT_BYTES = 8_000_000

LOADS, LOADS_WITHIN_S = 4, 6.0
"""How often a model is loaded again at most to see whether it leaks: as often as that takes."""


def unload(checking: Checking) -> str:
    """The memory of the model is freed; a second unload does nothing."""
    assert checking.loaded is not None
    loaded = checking.loaded
    after = checking.slot.unload()
    checking.unloaded = checking.slot.unload_again()
    if held := _held(loaded.before, after):
        raise Wrong(f"{held} still alive after it; set to None what holds the model, also in caches")
    back = loaded.after.host_bytes - after.host_bytes
    size = _size(checking)
    if after.gpu_bytes is None and size > LARGE_BYTES and back < size / 2:
        raise Wrong(f"it gave back {megabytes(max(0, back))}, and the model's files have {megabytes(size)}")
    if after.torch_bytes > loaded.before.torch_bytes + TORCH_LEFT_BYTES:
        raise Wrong(f"torch still holds {megabytes(after.torch_bytes)} of the GPU")
    return f"{megabytes(max(0, back))} given back"


def reload(checking: Checking) -> str:
    """Loaded again it is the same model: its revision, and what it gives."""
    assert checking.loaded is not None
    checking.slot.detach()
    again = checking.slot.load()
    checking.slot.attach(again.offer)
    if again.revision != checking.loaded.revision:
        raise Wrong(
            f"the revision was {checking.loaded.revision} and is {again.revision}; make it of the weights, because"
            " artifacts have their names from it"
        )
    if not checking.outputs:
        return f"{again.seconds:.1f} s, the same revision"
    _, given, output = checking.computed()[0]
    if found := differ(checking, output, checking.slot.compute(given)):
        raise Wrong(f"{given.title} gave another output: {found}; {SEED}")
    return f"{again.seconds:.1f} s, the same revision and output"


def memory(checking: Checking) -> str:
    """Loads and unloads do not add up. What grows once is a cache; a leak grows each time."""
    left, began = [checking.slot.unload()], time.monotonic()
    while len(left) < 3 or (len(left) < LOADS and time.monotonic() - began < LOADS_WITHIN_S):
        checking.slot.load()
        if checking.outputs:
            checking.slot.compute(checking.smallest()[0])
        left.append(checking.slot.unload())
    pairs = list(itertools.pairwise(left))
    host = min(after.host_bytes - before.host_bytes for before, after in pairs)
    gpu = min((after.gpu_bytes or 0) - (before.gpu_bytes or 0) for before, after in pairs)
    if host > LEAK_BYTES or gpu > GPU_LEAK_BYTES:
        what = f"{megabytes(gpu)} of the GPU" if gpu > GPU_LEAK_BYTES else megabytes(host)
        raise Wrong(f"each load and unload leaves {what} behind; free in unload what load and run have made")
    return f"{len(pairs)} more loads and unloads left nothing behind"


def _held(before: Memory, after: Memory) -> str:
    """Objects of models that are alive and were not before, in words."""
    more = (after.held or Counter()) - (before.held or Counter())
    if not more:
        return ""
    name, number = more.most_common(1)[0]
    return f"{number} {name} {'is' if number == 1 else 'are'}"


def _size(checking: Checking) -> int:
    path = checking.entry.path
    return size_of(Path(path)) if path and "://" not in path else 0


STEPS = (
    Step(UNLOAD, unload, (LOAD,)),
    Step(RELOAD, reload, (LOAD, ATTACH)),
    Step(MEMORY, memory, (LOAD,)),
)
