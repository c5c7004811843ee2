"""One of a registry's models, from the begin of its load until it is unloaded, and its counts.

Has no lock: the registry calls it under its own lock, and passes the time in.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.errors import ModelLoadError
from workers.adapters.weights import mark_of
from workers.child.models.eviction import GB, Candidate
from workers.wire.state import State

if TYPE_CHECKING:
    from tasks.catalog import ModelEntry
    from workers.child.models.base import LoadedModel
    from workers.child.models.lifecycle import Lifecycle


@dataclass
class Tally:
    """The counts of one model in this process, over all its loads; `used_at` in seconds since 1970."""

    uses: int = 0
    used_at: float = 0.0
    total_s: float = 0.0
    failures: int = 0


@dataclass
class RegistryModel:
    """A model that is being loaded, is loaded (`model`), or is being unloaded; `users` counts its uses now."""

    name: str
    life: Lifecycle
    tally: Tally
    model: LoadedModel | None = None
    size_bytes: int = 0
    loaded_at: float = 0.0
    users: int = 0
    is_new: bool = False
    """It was loaded for a use that is still to come, which is then no hit."""

    def loaded(self, model: LoadedModel, now: float) -> None:
        """The load has ended. The model counts as just used, so that it is not evicted first."""
        self.life.enter(State.READY)
        self.model = model
        self.loaded_at = self.tally.used_at = now

    @property
    def is_replaced(self) -> bool:
        """Whether its files were replaced or removed since it was loaded."""
        return bool(self.model and self.model.mark and mark_of(Path(str(self.model.entry.path))) != self.model.mark)

    def too_large(self, registry: ModelEntry) -> ModelLoadError:
        """The error for a model that alone takes more memory than the registry may."""
        takes = f"{registry.place} {self.name} takes {self.size_bytes / GB:.2f} GB"
        return ModelLoadError(f"{takes}, which is more than max_memory_gb = {registry.max_memory_gb:g}")

    def join(self) -> None:
        """Count a new use of the loaded model."""
        self.users += 1
        if self.users == 1:
            self.life.enter(State.BUSY)

    def leave(self, now: float, began: float) -> None:
        """Count the end of a use that began at `began`."""
        self.users -= 1
        self.tally.uses += 1
        self.tally.used_at = now
        self.tally.total_s += now - began
        if not self.users:
            self.life.enter(State.READY)

    def fetched(self) -> None:
        """End a use that does not count."""
        self.users -= 1
        if not self.users:
            self.life.enter(State.READY)

    def candidate(self) -> Candidate:
        """The model as eviction sees it."""
        return Candidate(self.name, self.size_bytes, self.tally.uses, self.tally.used_at, self.users > 0)

    def status(self) -> dict[str, Any]:
        """Its status as JSON; sizes in bytes, times in seconds since 1970."""
        return {
            "id": self.name,
            "state": self.life.state,
            "since": self.life.since,
            "uses": self.tally.uses,
            "last_used": self.tally.used_at,
            "total_inference_ms": round(self.tally.total_s * 1000, 1),
            "failures": self.tally.failures,
            "bytes": self.size_bytes,
            "loaded_at": self.loaded_at,
            "load_s": self.model.load_s if self.model else None,
        }
