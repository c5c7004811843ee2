"""The base class of crafts inside a slot: from request to adapter's input, and from its output to a file.

There is one subclass per craft, and its module has one instance. The adapter gets the request itself, made ready.
The artifact's name is made from the request's fields, so a new field of a request needs no change here. A craft
computes nothing, and knows nothing of Celery, batches, the ledger or the store.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from tasks.errors import InvalidInput, ModelChanged
from tasks.messages import Craft, PartRequest
from tasks.store.names import JSON
from workers.adapters.weights import mark_of
from workers.sidecar.crafts.examples import Examples

if TYPE_CHECKING:
    from tasks.catalog import ModelEntry
    from workers.adapters.base import AnyAdapter, Offer

RequestT = TypeVar("RequestT", bound=PartRequest)
MadeT = TypeVar("MadeT")


@dataclass(frozen=True)
class KnownModel:
    """A model that the child has loaded: its table, its offer, and an adapter of this process, which has no model.

    `mark` is that of a registry's model's files when it was loaded.
    """

    entry: ModelEntry
    adapter: AnyAdapter
    offer: Offer
    mark: str = ""

    @property
    def is_replaced(self) -> bool:
        """Whether a registry's model has other files now than it was loaded from, or none."""
        return bool(self.mark) and mark_of(Path(str(self.entry.path))) != self.mark

    def reason_of(self, error: BaseException) -> BaseException:
        """Why an input failed here: the error, or that the model's files were replaced; then it is made again later."""
        if isinstance(error, InvalidInput) or getattr(error, "retryable", False) or not self.is_replaced:
            return error
        return ModelChanged(f"{self.entry.name}: the model's files were replaced: {error}")


class SlotCraft(ABC, Generic[RequestT, MadeT]):
    """One craft; each method raises `InvalidInput` for a request that is not valid."""

    craft: ClassVar[Craft]
    """Its description; `craft.name` is the first folder of its artifacts' names."""
    extension: ClassVar[str]
    """The file extension of its artifacts, without the dot."""
    tolerance: ClassVar[float] = 0.001
    """How far the numbers of `seen` may differ where an output counts as the same, as a share of them or of 1."""
    takes_long: ClassVar[bool] = False
    """Whether finishing and encoding an output takes about as long as computing it: then it begins as soon as the
    output has come, several outputs at a time."""

    makes_none: ClassVar[bool] = False
    """Whether None is an output of a model, and not a mistake of its adapter."""

    def extension_of(self, request: RequestT) -> str:
        """The file extension of what is made for this request: by default the craft's own."""
        return self.extension

    def variant(self, entry: ModelEntry, request: RequestT) -> str | None:
        """The registry's model that the request needs; None if the slot has one model."""
        return None

    def ready(self, model: KnownModel, request: RequestT) -> RequestT:
        """The request for the adapter: normalised, and with all defaults filled in."""
        return request

    @abstractmethod
    def encode(self, made: MadeT) -> tuple[bytes, Mapping[str, JSON]]:
        """The artifact's bytes, and the details that are kept beside them."""

    def examples(self, adapter: AnyAdapter, offer: Offer) -> Examples:
        """Inputs to check an adapter with; by default none."""
        return Examples()

    def seen(self, made: MadeT) -> JSON:
        """What of an output is compared with another output of the same input, when an adapter is checked.

        By default the digest of its artifact. NaN where the output has it. Raises `ModelError` for what is no output of
        this craft.
        """
        data, details = self.encode(made)
        return {"sha256": hashlib.sha256(data).hexdigest(), **details}

    def warm_up(self) -> None:
        """Import what `encode` needs, so that the first batch does not wait for it."""
