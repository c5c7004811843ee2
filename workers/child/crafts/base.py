"""What a craft is: how the parts of one task are computed by a model.

It stands between a task's fields and an adapter: from the fields to the adapter's input,
and from what the adapter made to an artifact's bytes. It computes nothing, and knows
nothing of Celery, batches, the ledger or the store.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypeVar

from tasks.store.names import JSON

if TYPE_CHECKING:
    from tasks.catalog import ModelEntry
    from tasks.flow.ledger.record import Taken
    from workers.child.models.base import LoadedModel


class Asked(Protocol):
    """A checked request, of whatever craft."""

    @property
    def model(self) -> str:
        """Which model is to run."""


AskedT = TypeVar("AskedT", bound=Asked)
ItemT = TypeVar("ItemT")
MadeT = TypeVar("MadeT")


class Craft(ABC, Generic[AskedT, ItemT, MadeT]):
    """One craft; each method raises `InvalidInput` for what cannot be asked."""

    kind: ClassVar[str]
    """Of its artifacts: the first folder of their names."""
    extension: ClassVar[str]
    """Of its artifacts' files, without the dot."""

    @abstractmethod
    def asked(self, fields: Mapping[str, Any]) -> AskedT:
        """The request in a task's own keyword arguments."""

    @abstractmethod
    def asked_of_part(self, taken: Taken) -> AskedT:
        """The request in a part of a job."""

    def variant(self, entry: ModelEntry, asked: AskedT) -> str | None:
        """Which of the many models of the slot, where its table's path holds `{id}`; None where there is one."""
        return None

    @abstractmethod
    def item(self, model: LoadedModel, asked: AskedT) -> ItemT:
        """The adapter's input."""

    @abstractmethod
    def ingredients(self, item: ItemT) -> Mapping[str, JSON]:
        """What of the input shapes the output; goes into the artifact's name beside the model."""

    @abstractmethod
    def words(self, item: ItemT) -> str:
        """The beginning of the input, for a log's reader."""

    @abstractmethod
    def encode(self, made: MadeT) -> tuple[bytes, Mapping[str, JSON]]:
        """The artifact's bytes, and the details that its pointer keeps."""
