"""Many small models of one adapter in one slot: loaded when one is asked for, unloaded to make room, or when idle.

For a table whose `path` holds `{id}`. Duties: load on demand, once however many ask;
count; stay within `max_models` and `max_memory_gb`. Which one goes is decided in
`eviction.py`. Guarantees: a model in use is never unloaded; a load that fails is the
fault of whoever asked, and costs the others nothing; `told` waits for no load.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cachetools import LRUCache

from tasks.errors import InvalidInput, ModelLoadError
from workers.adapters import hardware
from workers.child.models import eviction
from workers.child.models.eviction import Bounds, Held
from workers.child.models.folder import Shelf
from workers.child.models.lifecycle import Lifecycle, LoadedModel
from workers.wire.state import State

if TYPE_CHECKING:
    from tasks.catalog import ModelEntry

logger = logging.getLogger(__name__)

DEFAULT_MAX_MODELS = 16
GB = 1024**3
REMEMBERED = 1024
"""Of so many models the counts outlive their unloading."""

Load = Callable[["ModelEntry", str, Callable[[State], None]], LoadedModel]


@dataclass
class Tally:
    """What one model did in this process, over all its loads; times in seconds, `used_at` since 1970."""

    uses: int = 0
    used_at: float = 0.0
    total_s: float = 0.0
    failures: int = 0


@dataclass
class Shelved:
    """One model, on its way up or loaded; `users` are the blocks that use it now."""

    name: str
    life: Lifecycle
    tally: Tally
    model: LoadedModel | None = None
    size_bytes: int = 0
    loaded_at: float = 0.0
    users: int = 0

    def join(self) -> None:
        """One more uses it; it is loaded."""
        self.users += 1
        if self.users == 1:
            self.life.enter(State.BUSY)

    def leave(self, now: float, began: float) -> None:
        """One less uses it, since `began`."""
        self.users -= 1
        self.tally.uses += 1
        self.tally.used_at = now
        self.tally.total_s += now - began
        if not self.users:
            self.life.enter(State.READY)


class Registry:
    """The models of a table of many. `load` loads one; `life` is that of the slot, which is ready without any."""

    def __init__(
        self, entry: ModelEntry, device: str, life: Lifecycle, load: Load, clock: Callable[[], float] = time.time
    ) -> None:
        self.entry = entry
        self.offer = None
        self._device = device
        self._life = life
        self._load = load
        self._clock = clock
        self._shelf = Shelf(entry)
        max_bytes = None if entry.max_memory_gb is None else int(entry.max_memory_gb * GB)
        self._bounds = Bounds(entry.max_models or DEFAULT_MAX_MODELS, max_bytes, entry.eviction_policy)
        self._idle_s = None if entry.idle_timeout_minutes is None else entry.idle_timeout_minutes * 60
        self._models: dict[str, Shelved] = {}
        self._tallies: LRUCache[str, Tally] = LRUCache(REMEMBERED)
        self._books = threading.Lock()
        """Guards what is counted; held for a moment only."""
        self._moving = threading.RLock()
        """Held while a model is loaded or unloaded: one at a time, and never two of the same."""
        self._hits = self._misses = self._evictions = 0

    def load(self) -> float:
        """Look for the folder, and load no model; raises `ModelLoadError`."""
        self._life.enter(State.LOADING)
        if not self._shelf.folder.is_dir():
            raise ModelLoadError(f"{self.entry.place} path: there is no folder {self._shelf.folder}")
        if not self._shelf.names():
            logger.warning("%s path: there is no model in %s yet", self.entry.place, self._shelf.folder)
        return 0.0

    def unload(self) -> None:
        """Unload all; the slot's state says so. To be called while none is in use."""
        self._life.enter(State.UNLOADING)
        with self._moving:
            for name in list(self._models):
                self._drop(name)
        self._life.enter(State.UNLOADED)

    @contextmanager
    def use(self, variant: str | None) -> Iterator[LoadedModel]:
        """The model of that id, loaded now if it is not, and not unloaded while the block lasts.

        Raises `InvalidInput`, `UnknownVoice`, or what its load raises; `FileNotFoundError` where the folder is gone.
        """
        name = variant or self.entry.voice
        if name is None:
            raise InvalidInput(f"voice: missing; {self.entry.name} has a model for each, and names no default")
        shelved = self._pinned(name) or self._brought(name)
        assert shelved.model is not None
        began = self._clock()
        try:
            yield shelved.model
        finally:
            with self._books:
                shelved.leave(self._clock(), began)

    def tidy(self) -> float | None:
        """Unload what was idle for `idle_timeout_minutes`; in how many seconds the next one will have been."""
        if self._idle_s is None:
            return None
        with self._moving:
            for name in eviction.expired(self._held(), self._idle_s, self._clock()):
                logger.info("%s: %s was idle for %g s", self.entry.name, name, self._idle_s)
                self._drop(name)
        return eviction.next_expiry_s(self._held(), self._idle_s, self._clock())

    def told(self) -> dict[str, Any]:
        """What is loaded and what was counted; sizes in bytes, times in seconds since 1970."""
        names = self.names()
        with self._books:
            models = [self._row(one) for one in self._models.values()]
            counts = {"hits": self._hits, "misses": self._misses, "evictions": self._evictions}
        return {
            "load_s": None,
            "voices": names,
            "languages": [],
            "registry": {
                **counts,
                "bytes": sum(one["bytes"] for one in models),
                "max_models": self._bounds.max_models,
                "max_bytes": self._bounds.max_bytes,
                "policy": self._bounds.policy,
                "idle_timeout_s": self._idle_s,
                "models": sorted(models, key=lambda one: str(one["id"])),
            },
        }

    def names(self) -> list[str]:
        """The ids that are there to be loaded, sorted; from any thread."""
        return self._shelf.names()

    def _pinned(self, name: str) -> Shelved | None:
        """The model if it is loaded, kept from now on."""
        with self._books:
            shelved = self._models.get(name)
            if shelved is None or shelved.model is None:
                return None
            self._hits += 1
            shelved.join()
            return shelved

    def _brought(self, name: str) -> Shelved:
        """The model, loaded by us or by whoever was first, kept from now on."""
        with self._moving:
            if shelved := self._pinned(name):
                return shelved
            table = self._shelf.table(name)
            self.tidy()
            with self._books:
                self._misses += 1
                tally = self._tallies.setdefault(name, Tally())
            self._make_room(self._shelf.size_bytes(name))
            shelved = Shelved(name, Lifecycle(clock=self._clock), tally)
            self._load_into(shelved, table)
            return shelved

    def _load_into(self, shelved: Shelved, table: ModelEntry) -> None:
        with self._books:
            self._models[shelved.name] = shelved
        before = hardware.memory(self._device)["allocated_bytes"]
        try:
            model = self._load(table, shelved.name, shelved.life.enter)
            shelved.size_bytes = self._weighed(shelved.name, model, before)
        except BaseException:
            with self._books:
                del self._models[shelved.name]
                shelved.tally.failures += 1
            raise
        fits = self._bounds.hold(1, shelved.size_bytes)
        with self._books:
            shelved.life.enter(State.READY)
            shelved.model, shelved.loaded_at = model, self._clock()
            shelved.tally.used_at = shelved.loaded_at
            if fits:
                shelved.join()
        if not fits:
            self._drop(shelved.name)
            raise ModelLoadError(
                f"{self.entry.place} {shelved.name} takes {shelved.size_bytes / GB:.2f} GB, "
                f"which is more than max_memory_gb = {self.entry.max_memory_gb:g}"
            )
        self._make_room(0, 0)

    def _weighed(self, name: str, model: LoadedModel, before: int) -> int:
        """What the adapter says that it takes; else what torch took of the GPU; else its files, which is the least.

        The process's own memory tells nothing of a small model: a load also imports, and what was freed is used again.
        """
        if (said := model.adapter.memory_bytes()) is not None:
            return said
        took = hardware.memory(self._device)["allocated_bytes"] - before if hardware.is_cuda(self._device) else 0
        return max(took, self._shelf.size_bytes(name))

    def _make_room(self, new_bytes: int, new_models: int = 1) -> None:
        for name in eviction.victims(self._held(), self._bounds, new_models, new_bytes):
            self._evictions += 1
            logger.info("%s: %s is unloaded to make room (%s)", self.entry.name, name, self._bounds.policy)
            self._drop(name)

    def _drop(self, name: str) -> None:
        """Unload one that is not in use; an adapter that fails at it is given up, and no input for it."""
        with self._books:
            shelved = self._models[name]
            if shelved.users or shelved.model is None:
                return
            shelved.life.enter(State.UNLOADING)
            model, shelved.model = shelved.model, None
        try:
            model.adapter.unload()
            shelved.life.enter(State.UNLOADED)
        except Exception:  # the boundary to foreign model code
            shelved.life.enter(State.FAILED)
            logger.exception("%s: %s could not be unloaded", self.entry.name, name)
        del model
        with self._books:
            del self._models[name]
        hardware.release(self._device)

    def _held(self) -> list[Held]:
        with self._books:
            return [
                Held(one.name, one.size_bytes, one.tally.uses, one.tally.used_at, one.users > 0)
                for one in self._models.values()
                if one.model is not None
            ]

    def _row(self, one: Shelved) -> dict[str, Any]:
        return {
            "id": one.name,
            "state": one.life.state,
            "since": one.life.since,
            "uses": one.tally.uses,
            "last_used": one.tally.used_at,
            "total_inference_ms": round(one.tally.total_s * 1000, 1),
            "failures": one.tally.failures,
            "bytes": one.size_bytes,
            "loaded_at": one.loaded_at,
            "load_s": one.model.load_s if one.model else None,
        }
