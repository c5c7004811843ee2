"""Decides which of a registry's models are unloaded, to make room or because they are idle. Pure.

Times and sizes are passed in. A model in use is never chosen, so there may be less room than needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tasks.catalog import DEFAULT_MAX_MODELS

if TYPE_CHECKING:
    from tasks.catalog import ModelEntry

GB = 1024**3


@dataclass(frozen=True)
class Candidate:
    """A loaded model: its size in bytes, how often it was used, and the time of its last use, by any clock."""

    name: str
    size_bytes: int
    uses: int
    used_at: float
    in_use: bool = False


@dataclass(frozen=True)
class Bounds:
    """Limits: how many models may be loaded, and how many bytes they may take; `policy` is `lru` or `lfu`."""

    max_models: int
    max_bytes: int | None = None
    policy: str = "lru"

    @classmethod
    def of(cls, entry: ModelEntry) -> Bounds:
        """The limits in a registry's table."""
        max_bytes = None if entry.max_memory_gb is None else int(entry.max_memory_gb * GB)
        return cls(entry.max_models or DEFAULT_MAX_MODELS, max_bytes, entry.eviction_policy)

    def hold(self, models: int, size_bytes: int) -> bool:
        """Whether this number of models with this total size is within the limits."""
        return models <= self.max_models and (self.max_bytes is None or size_bytes <= self.max_bytes)


def victims(loaded: Sequence[Candidate], bounds: Bounds, new_models: int = 0, new_bytes: int = 0) -> list[str]:
    """The models to unload, in order, until the others and the new ones are within the limits, or all are in use.

    `lru`: the least recently used first. `lfu`: the least frequently used first; of equals the least recently used.
    """
    models, size_bytes = len(loaded) + new_models, sum(one.size_bytes for one in loaded) + new_bytes
    gone: list[str] = []
    for one in sorted((one for one in loaded if not one.in_use), key=lambda one: _rank(one, bounds.policy)):
        if bounds.hold(models, size_bytes):
            break
        gone.append(one.name)
        models, size_bytes = models - 1, size_bytes - one.size_bytes
    return gone


def first(loaded: Sequence[Candidate], bounds: Bounds) -> str | None:
    """The model that goes first, whatever room there is; None if all are in use."""
    idle = [one for one in loaded if not one.in_use]
    return min(idle, key=lambda one: _rank(one, bounds.policy)).name if idle else None


def room(loaded: Sequence[Candidate], bounds: Bounds) -> int:
    """How many more models fit without an eviction, if they are as large as those that are loaded are on average."""
    models, size_bytes = len(loaded), sum(one.size_bytes for one in loaded)
    left = max(0, bounds.max_models - models)
    if bounds.max_bytes is None or not size_bytes:
        return left
    return min(left, max(0, (bounds.max_bytes - size_bytes) * models // size_bytes))


def expired(loaded: Sequence[Candidate], idle_s: float, now: float) -> list[str]:
    """The models that were not used for `idle_s` seconds or more."""
    return [one.name for one in loaded if not one.in_use and now - one.used_at >= idle_s]


def next_expiry_s(loaded: Sequence[Candidate], idle_s: float, now: float) -> float | None:
    """Seconds until the next model will be idle for `idle_s`; None if all are in use, or none is loaded."""
    return min((max(0.0, one.used_at + idle_s - now) for one in loaded if not one.in_use), default=None)


def _rank(one: Candidate, policy: str) -> tuple[float, float, str]:
    return (one.uses if policy == "lfu" else 0, one.used_at, one.name)
