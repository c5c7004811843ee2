"""What an adapter is: the code that loads and runs one kind of model.

An adapter lives in a slot's child process alone and is used by one thread. Its heavy
imports stand inside its methods, so that importing its module costs nothing. It knows
nothing of Celery, Redis, jobs or the store.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from tasks.errors import CatalogError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tasks.catalog import ModelEntry


@dataclass(frozen=True)
class SpeechInput:
    """One text to be spoken: normalised, not empty; `voice` None means the model's own; `speed` 1.0 is normal."""

    text: str
    voice: str | None = None
    speed: float = 1.0


@dataclass(frozen=True)
class Sound:
    """Speech: `samples` float32 mono `[n]` in −1..1 at `sample_rate` Hz."""

    samples: NDArray[np.float32]
    sample_rate: int


@dataclass(frozen=True)
class Offer:
    """What a loaded model says of itself: it is shown to producers and goes into artifact names."""

    revision: str
    """The catalog's revision, or a digest of weights or of the library's version."""
    sample_rate: int
    voices: Mapping[str, str] = field(default_factory=dict)
    """Voice name -> language tag (`vi`, `en-us`); empty when the model has one voice or takes files."""
    default_voice: str | None = None


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


class Adapter(ABC):
    """One kind of model. The order of calls is load, warm_up, run…, unload; load may follow again."""

    version: ClassVar[str]
    """Goes into artifact names: raise it when the same input would give other output."""

    def __init__(self, entry: ModelEntry, device: str) -> None:
        """Keep the catalog's table and the device (`cpu`, `cuda:0`); load nothing yet.

        A subclass reads its options here; raises `CatalogError` where one is wrong.
        """
        self.entry = entry
        self.device = device

    @abstractmethod
    def load(self) -> Offer:
        """Load the model; raises `MissingExtra` or `ModelLoadError` with one line that names what is wrong."""

    def warm_up(self) -> None:
        """Run once on a short input, so that the first job pays for no lazy start."""

    def check(self, item: SpeechInput) -> None:
        """Raise `InvalidInput` or `UnknownVoice` for what can be refused without computing."""

    @abstractmethod
    def run(self, batch: Sequence[SpeechInput]) -> Sequence[Sound | Exception]:
        """One outcome an input, in order; an input that fails costs itself alone.

        An exception *raised* here is the batch's: it says that the model itself is unwell.
        """

    @abstractmethod
    def unload(self) -> None:
        """Give all memory back; harmless when nothing is loaded."""
