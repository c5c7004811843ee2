"""What a craft is inside a slot's child: what happens between a request, a model's output and an artifact.

One subclass a craft, whose one instance stands in its module. The request goes to the
adapter as it came, made ready; what shapes the artifact is read from its fields, so a new
field of a request needs nothing here. A craft computes nothing, and knows nothing of Celery,
batches, the ledger or the store.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from tasks.messages import Craft, PartRequest
from tasks.store.names import JSON

if TYPE_CHECKING:
    from tasks.catalog import ModelEntry
    from workers.child.models.base import LoadedModel

RequestT = TypeVar("RequestT", bound=PartRequest)
MadeT = TypeVar("MadeT")


class SlotCraft(ABC, Generic[RequestT, MadeT]):
    """One craft; each method raises `InvalidInput` for what cannot be served."""

    craft: ClassVar[Craft]
    """Its description; `craft.name` is the first folder of its artifacts' names."""
    extension: ClassVar[str]
    """Of its artifacts' files, without the dot."""

    def variant(self, entry: ModelEntry, request: RequestT) -> str | None:
        """Which of the many models of the slot, where its table's path holds `{id}`; None where there is one."""
        return None

    def ready(self, model: LoadedModel, request: RequestT) -> RequestT:
        """The request as the adapter gets it: in one form for all ways of asking the same, nothing left open."""
        return request

    @abstractmethod
    def encode(self, made: MadeT) -> tuple[bytes, Mapping[str, JSON]]:
        """The artifact's bytes, and the details that its pointer keeps."""

    def warm_up(self) -> None:
        """Import what `encode` needs, so that the first batch does not wait for it."""
