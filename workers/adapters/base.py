"""What an adapter is: the code that loads and runs one kind of model.

An adapter lives in a slot's child process alone and is used by one thread. Its heavy
imports stand inside its methods, so that importing its module costs nothing. It knows
nothing of Celery, Redis, jobs or the store.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from tasks.errors import CatalogError
from tasks.messages import PartRequest
from tasks.store.names import JSON

if TYPE_CHECKING:
    from tasks.catalog import ModelEntry


@dataclass(frozen=True)
class Offer:
    """What a loaded model says of itself: it is shown to producers and goes into artifact names."""

    revision: str
    """The catalog's revision, or a digest of weights or of the library's version."""
    sample_rate: int = 0
    """In Hz; 0 where the model makes no sound. It says nothing of the craft."""
    voices: Mapping[str, str] = field(default_factory=dict)
    """Voice name -> language tag (`vi`, `en-us`); empty when the model has one voice or takes files."""
    default_voice: str | None = None
    reads_tokens: int = 0
    """How many tokens of a text the model reads at once; 0 where it does not say."""
    chars_per_token: Mapping[str, float] = field(default_factory=dict)
    """Language tag (`en`, `vi`) -> characters of such a text that are a token; empty where it does not say."""


class Options(BaseModel):
    """What an adapter reads of its own from a model's table; each adapter lists its fields in a subclass.

    Strict: a number is not written as text, and a key that the adapter does not know is refused.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    @classmethod
    def of(cls, entry: ModelEntry) -> Self:
        """The options of that table; raises `CatalogError` that names its line and the field."""
        try:
            return cls.model_validate(dict(entry.options))
        except ValidationError as exc:
            fault = exc.errors()[0]
            field = ".".join(str(step) for step in fault["loc"])
            if fault["type"] != "extra_forbidden":
                said = f"{fault['msg']} (got {fault['input']!r})"
            elif own := ", ".join(cls.model_fields):
                said = f"the adapter {entry.adapter!r} has no such option; it has {own}"
            else:
                said = f"the adapter {entry.adapter!r} has no options of its own"
            raise CatalogError(f"{entry.place} {field}: {said}") from exc


class Cancelled(Exception):
    """Nobody wants this input any more; stands in its place among the outcomes of a batch."""


RequestT = TypeVar("RequestT", bound=PartRequest)
MadeT = TypeVar("MadeT")


class Adapter(ABC, Generic[RequestT, MadeT]):
    """One kind of model. The order of calls is load, warm_up, run…, unload; load may follow again.

    It gets requests of its craft as they were asked for, made ready: `Adapter[ParagraphRequest, Sound]` speaks.
    """

    version: ClassVar[str]
    """Goes into artifact names: raise it when the same input would give other output."""

    most_padding: ClassVar[float] = math.inf
    """How many times its own length an input may be padded to; where padding costs nothing, any."""

    devices: ClassVar[Sequence[str]] = ("cpu",)
    """What it can run on, of `cuda` and `cpu`. With `cuda` among them it gets a GPU slot where there is a GPU."""

    def __init__(self, entry: ModelEntry, device: str) -> None:
        """Keep the catalog's table and the device (`cpu`, `cuda:0`); load nothing yet.

        A subclass reads its options here; raises `CatalogError` where one is wrong.
        """
        self.entry = entry
        self.device = device
        self.is_cancelled: Callable[[int], bool] = lambda index: False
        """Whether nobody wants input `index` (from 0) of the running batch any more. Safe and cheap to ask between
        inputs and between steps of one: an adapter that does can be stopped there, with `Cancelled` as the outcome.
        One that never asks is stopped by force."""

    @property
    @abstractmethod
    def craft(self) -> str:
        """What it makes of an input, by the craft's name: a class attribute, or a property where options decide.

        Workers publish it, and no input of another craft reaches `check` or `run`.
        """

    @abstractmethod
    def load(self) -> Offer:
        """Load the model; raises `MissingExtra` or `ModelLoadError` with one line that names what is wrong."""

    def warm_up(self) -> None:
        """Run once on a short input, so that the first job pays for no lazy start."""

    def check(self, item: RequestT) -> None:
        """Raise `InvalidInput` or `UnknownVoice` for what can be refused without computing."""

    def group(self, item: RequestT) -> Hashable:
        """What an input wants of the model: only inputs that want the same are handed to one `run`.

        All but the input itself, unless overridden. Asked once `check` has passed.
        """
        return item.manner()

    def length(self, item: RequestT) -> float:
        """How long an input is, in any unit: the longest run first, beside others of their length."""
        return len(getattr(item, "text", ""))

    def ingredients(self, item: RequestT) -> Mapping[str, JSON]:
        """What else shapes the output of `item` and goes into its artifact's name, such as a voice file's digest.

        Asked once the model is loaded and `check` has passed; raises `InvalidInput` like `check`.
        """
        return {}

    @abstractmethod
    def run(self, batch: Sequence[RequestT]) -> Sequence[MadeT | Exception]:
        """One outcome an input, in order; an input that fails costs itself alone.

        An exception *raised* here is the batch's: it says that the model itself is unwell. But for `OutOfMemory` and
        `MemoryError`: the batch is then run again in halves, until what does not fit is left.
        """

    def memory_bytes(self) -> int | None:
        """What the loaded model takes of memory, in bytes; None where the adapter cannot tell.

        A slot of many small models goes by it when it decides which must go.
        """
        return None

    @abstractmethod
    def unload(self) -> None:
        """Give all memory back; harmless when nothing is loaded."""


AnyAdapter: TypeAlias = Adapter[Any, Any]
"""An adapter of whatever craft."""
