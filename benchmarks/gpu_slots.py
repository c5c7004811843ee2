"""Slots on the card that `benchmarks.gpu_check` looks at: real workers of one model, until a block ends.

Says when they are ready, and what memory was planned for one. Measures nothing else.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from types import MappingProxyType

from benchmarks.gpu_card import Card
from benchmarks.rig import Rig, wait_for
from tasks.catalog import read
from tasks.redis import keys
from workers.slots.plan import GB, gb

WORKER = ("celery", "-A", "workers", "worker")
LIMIT_S = 300.0
SAME_BYTES = 64 * 1024 * 1024
"""Free memory is «back» when it differs by less."""


class Slots:
    """Slots of the model of that name in the rig's catalog, on one card."""

    def __init__(self, bench: Rig, card: Card, model: str) -> None:
        self._bench = bench
        self._card = card
        self._model = model

    @contextlib.contextmanager
    def running(self, count: int, *options: str, changes: Mapping[str, str] = MappingProxyType({})) -> Iterator[None]:
        """So many, ready; `options` are of the worker's command, `changes` of its environment."""
        command = (*WORKER, "--model", self._model, *options)
        with ExitStack() as stack:
            started = [
                stack.enter_context(self._bench.process(*command, may_be_killed=True, changes=changes))
                for _ in range(count)
            ]
            when(
                lambda: self.are_ready(count) or any(one.poll() is not None for one in started),
                f"{count} slots to be ready",
            )
            if not self.are_ready(count):
                raise RuntimeError(f"a worker ended: {self._bench.last_words()}")
            yield

    def are_ready(self, count: int) -> bool:
        """Whether at least so many take work."""
        return sum(holder.ready for holder in self._card.holders()) >= count

    def planned_bytes(self) -> int:
        """Measured by the first slot; where none measures, as on a CPU, the catalog's guess."""
        measures = [json.loads(raw)["bytes"] for raw in self._bench.client.hvals(keys.footprint(self._model))]
        entry = read(self._bench.folder / "models.toml")[self._model]
        return int(max(measures, default=(entry.memory_gb or 1) * GB))

    def memory(self, count: int, before: int) -> str:
        """What was planned for one of `count` slots, and what it took of the `before` free bytes."""
        used, planned = (before - self._card.free_bytes) / count, self.planned_bytes()
        return f"{gb(planned, 2)} planned, {gb(used, 2)} used ({100 * (used - planned) / planned:+.1f}%)"

    def is_back(self, before: int) -> bool:
        """Whether as much memory is free as before they were started."""
        return before - self._card.free_bytes < SAME_BYTES

    def wait_until_back(self, before: int) -> float:
        """Seconds until as much memory is free as before they were started."""
        began_s = time.monotonic()
        return when(lambda: before - self._card.free_bytes < SAME_BYTES, "the workers' memory") - began_s


def when(condition: Callable[[], object], what: str) -> float:
    """When `condition` was first seen true, by the monotonic clock in seconds; raises `TimeoutError`."""
    return wait_for(condition, what, LIMIT_S, every_s=0.05)
