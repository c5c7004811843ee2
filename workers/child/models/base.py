"""What a slot's models are to the code that uses them: one model, or many small ones of one adapter.

Types only. `one.py` and `registry.py` are the two kinds; batches and crafts know no more than this.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from tasks.catalog import ModelEntry
    from workers.adapters.base import AnyAdapter, Offer


@dataclass(frozen=True)
class LoadedModel:
    """A model that computes: its table, its adapter, what it offers, and how long it took to load in seconds."""

    entry: ModelEntry
    adapter: AnyAdapter
    offer: Offer
    load_s: float


class Models(Protocol):
    """What a batch needs of them."""

    @property
    def entry(self) -> ModelEntry:
        """The model's table."""

    def use(self, variant: str | None) -> AbstractContextManager[LoadedModel]:
        """The model, loaded now if it is not, and kept while the block lasts; `variant` is None where there is one.

        Where there are many, a `SlotlineError` is the fault of the inputs that asked for this one alone. Any other
        error is the slot's own, and ends its child.
        """


class SlotModels(Models, Protocol):
    """What the child's process needs of them. Called by its main thread alone, but for `status`."""

    @property
    def offer(self) -> Offer | None:
        """What the one model offers while it is loaded; None where there are many."""

    def load(self) -> float:
        """Make ready, which takes as long as a model takes to load; the seconds. Raises a `SlotlineError`."""

    def unload(self) -> None:
        """Give all memory back."""

    def tidy(self) -> float | None:
        """Unload what has been idle for too long; in how many seconds to ask again, None: after the next batch."""

    def status(self) -> dict[str, Any]:
        """How the models stand, as JSON; from any thread, also while one computes or loads."""
