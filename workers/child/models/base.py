"""The types of a slot's models: one model, or a registry of many small ones with one adapter.

Types only. `one.py` and `registry.py` implement them; batches and crafts use only these types.
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
    """A loaded model: its table, its adapter, its offer, and the seconds that its load took.

    `mark` is that of its files after the load, for a registry's model (`workers/adapters/weights.py: mark_of`).
    """

    entry: ModelEntry
    adapter: AnyAdapter
    offer: Offer
    load_s: float
    mark: str = ""


class Models(Protocol):
    """The models, as a run uses them."""

    @property
    def entry(self) -> ModelEntry:
        """The model's table."""

    def use(self, variant: str | None) -> AbstractContextManager[LoadedModel]:
        """The model, loaded now if it is not, and kept loaded in the block; `variant` is None if there is only one.

        In a registry a `SlotlineError` fails only the inputs that need this model. Any other error is the slot's, and
        ends its child.
        """

    def fetch(self, variant: str | None) -> LoadedModel:
        """The model, loaded now if it is not; this counts as no use. Raises like `use`."""


class SlotModels(Models, Protocol):
    """The models, as the child's process uses them. All methods but `status` are for its main thread only."""

    @property
    def offer(self) -> Offer | None:
        """The offer of the one model while it is loaded; None for a registry."""

    def load(self) -> float:
        """Load the one model, or prepare the registry; returns the seconds that it took. Raises a `SlotlineError`."""

    def unload(self) -> None:
        """Free all memory."""

    def tidy(self) -> float | None:
        """Unload idle models; returns the seconds until the next call, or None: call again after the next batch."""

    def status(self) -> dict[str, Any]:
        """The status of the models as JSON; from any thread, also while one computes or loads."""
