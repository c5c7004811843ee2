"""A registry: many small models of one adapter in one slot, loaded on demand, unloaded to make room or when idle.

For a table with `{id}` in its `path`. Duties: load a model when a request needs it, and only once; count; stay within
`max_models` and `max_memory_gb`. `eviction.py` decides which model is evicted. Guarantees: a model in use is never
unloaded; a load that fails affects only the inputs that need this model; `status` does not wait for a load.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from cachetools import LRUCache

from tasks.errors import ModelLoadError, OutOfMemory
from tasks.messages.variants import variant_missing
from workers.adapters import hardware
from workers.child.models import eviction
from workers.child.models.eviction import Bounds, Candidate
from workers.child.models.folder import ModelFolder
from workers.child.models.lifecycle import Lifecycle
from workers.child.models.preload import preload
from workers.child.models.registry_model import RegistryModel, Tally
from workers.child.models.sizes import Sizes
from workers.wire.messages import RegistryHolds
from workers.wire.state import State

if TYPE_CHECKING:
    from tasks.catalog import ModelEntry
    from workers.child.models.base import LoadedModel

logger = logging.getLogger(__name__)

REMEMBERED = 1024
"""The number of models whose counts are kept after they were unloaded."""

Load = Callable[["ModelEntry", str, Callable[[State], None]], "LoadedModel"]
"""Loads one model by its table and name; calls the given function with each state. Raises the errors of the load."""


class Registry:
    """The registry's models. `load` loads one. `life` has the state of the slot, which is ready without any model.

    `field` is the requests' field that names one: `voice`, `face`. `used_bytes` is what the process uses of the GPU.
    """

    def __init__(
        self,
        entry: ModelEntry,
        device: str,
        life: Lifecycle,
        load: Load,
        clock: Callable[[], float] = time.time,
        field: str = "voice",
        used_bytes: Callable[[], int | None] = lambda: None,
    ) -> None:
        self.entry = entry
        self.offer = None
        self._device = device
        self._life = life
        self._load = load
        self._clock = clock
        self._folder = ModelFolder(entry, field)
        self._bounds = Bounds.of(entry)
        self._sizes = Sizes(device, used_bytes)
        self._idle_s = entry.idle_timeout_minutes * 60 if entry.idle_timeout_minutes else None
        self._models: dict[str, RegistryModel] = {}
        self._tallies: LRUCache[str, Tally] = LRUCache(REMEMBERED)
        self._counting = threading.Lock()
        """Guards the models and the counts; held only for a moment."""
        self._moving = threading.RLock()
        """Held while a model is loaded or unloaded: one at a time, and no model twice."""
        self._hits = self._misses = self._evictions = 0
        self._load_s: float | None = None
        self.changed: Callable[[RegistryHolds], None] = lambda holds: None
        """Is called after each load and each unload, with what is loaded then."""
        self.gone: Callable[[str], None] = lambda name: None
        """Is called after each unload, also after that of a model that was never used, before `changed`."""

    def load(self) -> float:
        """Check that the folder exists, and load the models of `preload`; returns the seconds.

        Raises `ModelLoadError` without a folder, and what would fail each load (a package that is missing).
        """
        began = time.monotonic()
        self._life.enter(State.LOADING)
        if not self._folder.path.is_dir():
            raise ModelLoadError(f"{self.entry.place} path: there is no folder {self._folder.path}")
        if not self._folder.names():
            logger.warning("%s path: there is no model in %s yet", self.entry.place, self._folder.path)
        preload(self.entry, self._load_first)
        return time.monotonic() - began

    def unload(self) -> None:
        """Unload all models, and change the slot's state. Must be called while no model is in use."""
        self._life.enter(State.UNLOADING)
        with self._moving:
            for name in list(self._models):
                self._unload(name)
        self._life.enter(State.UNLOADED)

    @contextmanager
    def use(self, variant: str | None) -> Iterator[LoadedModel]:
        """The model of that id, loaded now if it is not, and not unloaded in the block.

        Raises the errors of `ModelFolder.table` (`UnknownVoice`, `UnknownFace` …) and of the load.
        """
        one = self._used(variant)
        assert one.model is not None
        began = self._clock()
        try:
            yield one.model
        finally:
            reported = one.model.adapter.memory_bytes()
            with self._counting:
                one.size_bytes = one.size_bytes if reported is None else reported
                one.leave(self._clock(), began)
            if self._bounds.max_bytes is not None:
                with self._moving:
                    self._make_room(0, 0)

    def fetch(self, variant: str | None) -> LoadedModel:
        """Like `use`, but no use; a model whose files were replaced is loaded again, a removed one is unknown."""
        with self._moving:
            one = self._models.get(variant or self.entry.voice or "")
            if one is not None and one.is_replaced and self._folder.path.is_dir():
                logger.info("%s: the files of %s were replaced or removed", self.entry.name, one.name)
                self._unload(one.name)
        hits, one = self._hits, self._used(variant)
        assert one.model is not None
        with self._counting:
            one.is_new = one.is_new or self._hits == hits
            self._hits = hits
            one.fetched()
            return one.model

    def tidy(self) -> float | None:
        """Unload models that were idle for `idle_timeout_minutes`; returns the seconds until the next one will be."""
        if self._idle_s is None:
            return None
        with self._moving:
            for name in eviction.expired(self._candidates(), self._idle_s, self._clock()):
                logger.info("%s: %s was idle for %g s", self.entry.name, name, self._idle_s)
                self._unload(name)
        return eviction.next_expiry_s(self._candidates(), self._idle_s, self._clock())

    def look_at_memory(self) -> None:
        """See how much the process uses now; the end of the next use makes room if it is too much. From any thread."""
        self._sizes.look(self._candidates())

    def status(self) -> dict[str, Any]:
        """The loaded models and the counts; sizes in bytes, times in seconds since 1970."""
        names = self.names()
        with self._counting:
            models = [one.status() for one in self._models.values()]
            counts = {"hits": self._hits, "misses": self._misses, "evictions": self._evictions}
        return {
            "load_s": None,
            "voices": names,
            "languages": [],
            "available_languages": [],
            "registry": {
                **counts,
                "bytes": sum(one["bytes"] for one in models),
                "other_bytes": self._sizes.others_bytes,
                "max_models": self._bounds.max_models,
                "max_bytes": self._bounds.max_bytes,
                "policy": self._bounds.policy,
                "idle_timeout_s": self._idle_s,
                "models": sorted(models, key=lambda one: str(one["id"])),
            },
        }

    def names(self) -> list[str]:
        """The ids of all models in the folder, sorted; from any thread."""
        return self._folder.names()

    def holds(self) -> RegistryHolds:
        """Which models are loaded, and how many more fit; from any thread."""
        loaded = self._candidates()
        return RegistryHolds(tuple(one.name for one in loaded), eviction.room(loaded, self._bounds), self._load_s)

    def _load_first(self, name: str) -> int:
        """Load a model for which there is no request; returns how many were unloaded to make room."""
        before, evictions = (self._hits, self._misses), self._evictions
        try:
            self.fetch(name)
        finally:
            self._hits, self._misses = before
        self._models[name].is_new = False
        return self._evictions - evictions

    def _used(self, variant: str | None) -> RegistryModel:
        """The model of that id, marked as in use; loaded now if it is not."""
        name = variant or self.entry.voice
        if name is None:
            raise variant_missing(self._folder.field, self.entry.name)
        return self._joined(name) or self._loaded(name)

    def _joined(self, name: str) -> RegistryModel | None:
        """The model, marked as in use, if it is loaded."""
        with self._counting:
            one = self._models.get(name)
            if one is None or one.model is None:
                return None
            self._hits += not one.is_new
            one.is_new = False
            one.join()
            return one

    def _loaded(self, name: str) -> RegistryModel:
        """The model, marked as in use; loaded here, unless another thread has just loaded it."""
        with self._moving:
            if one := self._joined(name):
                return one
            table = self._folder.table(name)
            self.tidy()
            with self._counting:
                self._misses += 1
                tally = self._tallies.setdefault(name, Tally())
            self._make_room(self._sizes.expected(name, self._candidates()))
            while True:
                one = RegistryModel(name, Lifecycle(clock=self._clock), tally)
                try:
                    self._load_one(one, table)
                    return one
                except OutOfMemory as exc:
                    logger.warning("%s: there is no memory for %s: %s", self.entry.name, name, exc)
                    if not self._evict_one():
                        raise

    def _load_one(self, one: RegistryModel, table: ModelEntry) -> None:
        with self._counting:
            self._models[one.name] = one
        before = self._sizes.before()
        try:
            model = self._load(table, one.name, one.life.enter)
            one.size_bytes = self._sizes.after(one.name, model, before, self._folder.size_bytes(one.name))
        except BaseException:
            with self._counting:
                del self._models[one.name]
                one.tally.failures += 1
            raise
        self._load_s = model.load_s if self._load_s is None else 0.8 * self._load_s + 0.2 * model.load_s
        is_within_bounds = self._bounds.hold(1, one.size_bytes)
        with self._counting:
            one.loaded(model, self._clock())
            if is_within_bounds:
                one.join()
        if not is_within_bounds:
            self._unload(one.name)
            raise one.too_large(self.entry)
        self._sizes.look(self._candidates())
        self._make_room(0, 0)
        self.changed(self.holds())

    def _make_room(self, new_bytes: int, new_models: int = 1) -> None:
        taken = new_bytes + self._sizes.others_bytes
        for name in eviction.victims(self._candidates(), self._bounds, new_models, taken):
            self._evict(name)

    def _evict_one(self) -> bool:
        """Unload the model that is to go first; False if all are in use."""
        if (name := eviction.first(self._candidates(), self._bounds)) is not None:
            self._evict(name)
        return name is not None

    def _evict(self, name: str) -> None:
        self._evictions += 1
        logger.info("%s: %s is unloaded to make room (%s)", self.entry.name, name, self._bounds.policy)
        self._unload(name)

    def _unload(self, name: str) -> None:
        """Unload a model that is not in use. If its adapter fails, the model is dropped, and no input is affected."""
        with self._counting:
            one = self._models[name]
            if one.users or one.model is None:
                return
            one.life.enter(State.UNLOADING)
            model, one.model = one.model, None
        try:
            model.adapter.unload()
            one.life.enter(State.UNLOADED)
        except Exception:  # the boundary to the model's own code
            one.life.enter(State.FAILED)
            logger.exception("%s: %s could not be unloaded", self.entry.name, name)
        del model
        with self._counting:
            del self._models[name]
        hardware.release(self._device)
        self.gone(name)
        self.changed(self.holds())

    def _candidates(self) -> list[Candidate]:
        with self._counting:
            return [one.candidate() for one in self._models.values() if one.model is not None]
