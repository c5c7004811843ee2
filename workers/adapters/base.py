"""The base class of adapters: the code that loads and runs one kind of model.

A slot has two instances of its adapter, in two processes. The child's one is loaded and computes. The sidecar's one
has no model: it is told what the child's one offers, and looks at inputs while the other one computes. One thread
uses each, except for `finish`. Heavy imports are inside the methods of the child's one, so importing its module is
cheap. It knows nothing of Celery, Redis, jobs or the store.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from tasks.errors import CatalogError
from tasks.messages import PartRequest
from tasks.store.names import JSON

if TYPE_CHECKING:
    from tasks.catalog import ModelEntry


@dataclass(frozen=True)
class Offer:
    """A loaded model's description, which is published to producers; its revision is part of artifact names."""

    revision: str
    """The catalog's revision, or a digest of weights or of the library's version."""
    sample_rate: int = 0
    """In Hz; 0 if the model makes no sound. It does not define the craft."""
    voices: Mapping[str, str] = field(default_factory=dict)
    """Voice name -> language tag (`vi`, `en-us`); empty when the model has one voice or takes files."""
    default_voice: str | None = None
    languages: Sequence[str] = ()
    """The languages that it can speak now, in the adapter's own names; empty: those of its voices. Not published."""
    reads_tokens: int = 0
    """How many tokens of a text the model reads at once; 0 if it is not known."""
    chars_per_token: Mapping[str, float] = field(default_factory=dict)
    """Language tag (`en`, `vi`) -> characters per token of a text in it; empty if it is not known."""
    details: Mapping[str, Any] = field(default_factory=dict)
    """What the adapter's `attach` needs to know of the loaded model, in plain values; it is not published."""


class Options(BaseModel):
    """An adapter's own options in a model's table; each adapter has a subclass with its fields.

    Strict: a text is not accepted as a number, and an unknown key is refused.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    @classmethod
    def of(cls, entry: ModelEntry) -> Self:
        """The options in that table; raises `CatalogError` with its line and the field."""
        try:
            return cls.model_validate(dict(entry.options))
        except ValidationError as exc:
            fault = exc.errors()[0]
            field = ".".join(str(step) for step in fault["loc"])
            if fault["type"] != "extra_forbidden":
                wrong = f"{fault['msg']} (got {fault['input']!r})"
            elif own := ", ".join(cls.model_fields):
                wrong = f"the adapter {entry.adapter!r} has no such option; it has {own}"
            else:
                wrong = f"the adapter {entry.adapter!r} has no options of its own"
            raise CatalogError(f"{entry.place} {field}: {wrong}") from exc


class Cancelled(Exception):
    """The input was cancelled; returned as its outcome in a batch."""


RequestT = TypeVar("RequestT", bound=PartRequest)
MadeT = TypeVar("MadeT")


class Adapter(ABC, Generic[RequestT, MadeT]):
    """One kind of model. The order of calls is load, warm_up, run…, unload; load may follow again.

    Its inputs are the requests of its craft, made ready: `Adapter[ParagraphRequest, Sound]` speaks. `check`,
    `ingredients`, `group`, `length` and `prepare` are called on an instance without a model, in another process than
    `run` and at the same time, after `attach`; they must not need the model, and should take little time.
    """

    version: ClassVar[str]
    """Part of artifact names: raise it when the same input would give another output."""

    most_padding: ClassVar[float] = math.inf
    """The longest padding: how many times its own length an input may become. Infinite if padding is free."""

    input_model: ClassVar[type[BaseModel] | None] = None
    """What the input of a request of the craft `infer` must look like. Workers publish its JSON schema."""

    options_model: ClassVar[type[Options]] = Options
    """The options in its table, in `self.options`. By default it has none, so that a misspelt key is refused."""

    devices: ClassVar[Sequence[str]] = ("cpu",)
    """The devices that it can use: `cuda`, `cpu` or both. With `cuda` it gets a GPU slot if there is a GPU."""

    licence: ClassVar[str] = ""
    """The licence of the library, for an adapter whose model has no weights of its own; empty where it has, or none."""

    idle_unload_s: ClassVar[float] = 0.0
    """After how many idle seconds it is unloaded where neither its table nor MODEL_UNLOAD_TIMEOUT says; 0: never.

    For models whose next job can wait for the load, and which are used now and then."""

    tolerance: ClassVar[float | None] = None
    """How far the numbers of two outputs of one input may differ, in a batch and alone, as a share of them or of 1.

    For `slotline model check` only. None: as the craft says, 0.001 by default."""

    def __init__(self, entry: ModelEntry, device: str) -> None:
        """Keep the catalog's table, its options and the device (`cpu`, `cuda:0`); load nothing.

        Raises `CatalogError` if an option is wrong; a subclass may check more here.
        """
        self.entry = entry
        self.device = device
        self.options: Any = self.options_model.of(entry)
        self.is_cancelled: Callable[[int], bool] = never_cancelled
        """Whether input `index` (from 0) of the running batch is cancelled. A cheap call, which an adapter should make
        between inputs and between steps of one (a safe point), and then return `Cancelled` as the outcome. If an
        adapter never calls it, its process is killed to stop a cancelled batch."""
        self.read_artifact: Callable[[str], bytes] = _no_artifacts
        """The content of an artifact that an input names. Only `prepare` may call it; raises `ArtifactMissing`."""
        self.size_of_artifact: Callable[[str], int] = self._read_size
        """How many bytes such an artifact has, without reading it. Only `prepare` may call it; raises the same."""

    @classmethod
    def inputs_at_once(cls, batch_size: int) -> int:
        """How many inputs a run has at most, if the slot's `batch_size` is this: the same number.

        For models of which one input is many (a stretch of film): there `batch_size` counts what the model computes at
        once (frames).
        """
        return batch_size

    @classmethod
    def is_model(cls, path: Path) -> bool:
        """Whether one of a registry's models is at `path`, which exists; quick, by names alone. By default always.

        For an adapter beside whose models other files lie. One that lacks a file is a model: its load says what lacks.
        """
        return True

    @property
    @abstractmethod
    def craft(self) -> str:
        """The name of its craft: a class attribute, or a property if options decide it.

        Workers publish it, and inputs of another craft never reach `check` or `run`.
        """

    def check_files(self) -> None:
        """Raise `ModelLoadError` that names the files under `path` which are missing or empty, and how to get them.

        Quick: it reads no weights, and imports nothing heavy. `slotline model list` shows what it says.
        """

    def check_packages(self) -> None:
        """Raise `MissingExtra` that names the packages which are not installed, and the command that installs them.

        Quick: it imports none of them (`packages.py`). `slotline model list` shows what it says.
        """

    @abstractmethod
    def load(self) -> Offer:
        """Load the model; raises `MissingExtra` or `ModelLoadError` with one line that says what is wrong."""

    def attach(self, offer: Offer) -> None:
        """Called instead of `load` on the instance that looks at inputs: a new one for each load, dropped at an unload.

        Keep what `check`, `ingredients`, `group`, `length` and `prepare` need: of the offer, its `details`, or small
        files. By default nothing, for an adapter in which they need only the table and the input. The slot is ready
        when it has returned; its time counts to the model's `load_limit_s`.
        """

    def detach(self) -> None:
        """The counterpart of `attach`: the model was unloaded, and no input of it is in work here any more.

        For an adapter that holds more than memory: end its threads, close its files. By default nothing, because its
        memory goes with it. Called once, by another thread than all others; nothing is called after it. Not called at
        the end of the process.
        """

    def warm_up(self) -> None:
        """Run once on a short input, so that the first job is not slower than later ones."""

    def check(self, item: RequestT) -> None:
        """Raise `InvalidInput` or `UnknownVoice` for an input that can be refused without computing."""

    def group(self, item: RequestT) -> Hashable:
        """A key for inputs that may run together: all inputs of one `run` have the same key.

        By default all fields but the input itself. Called after `check`.
        """
        return item.manner()

    def length(self, item: RequestT) -> float:
        """The length of an input, in any unit: inputs are sorted by it, the longest first."""
        return len(getattr(item, "text", ""))

    def ingredients(self, item: RequestT) -> Mapping[str, JSON]:
        """Further ingredients of the artifact's name that determine the output, such as a voice file's digest.

        Called after `check`; raises `InvalidInput` like `check`.
        """
        return {}

    def prepare(self, item: RequestT) -> Any:
        """What `run` gets for this input: by default the input itself.

        For work that is Python and not the model's, such as phonemes or tokens: it is done while the model computes
        other inputs. The result crosses to the child's process, so it must be picklable, and should be small. Called
        after `check`, for what has to be computed only; raises `InvalidInput` like `check`.
        """
        return item

    @abstractmethod
    def run(self, batch: Sequence[Any]) -> Sequence[Any]:
        """One outcome per input, which is what `prepare` gave for it; in order: what `finish` takes, or an exception.

        An error that is *returned* fails only its own input. An error that is *raised* fails the whole batch, and
        counts as a failure of the model. Exceptions are `OutOfMemory`, `MemoryError`, and what torch and
        ONNX Runtime raise when memory runs out: the batch then runs again in halves.
        """

    def crossing(self, made: Any) -> Any:
        """What crosses to the other process of an outcome of `run`, which is no error: by default the outcome itself.

        Called in the child's process after `run`, so it should take little time. Raises an error that fails this input
        only. A tensor on a GPU must not cross: reading it would take GPU memory in the other process.
        """
        return made

    def finish(self, item: RequestT, made: Any) -> MadeT:
        """What the craft gets for what `run` returned: by default the same.

        The counterpart of `prepare`: for work after the model that is not the model's, such as pasting pictures into a
        film. Called on the instance that looks at inputs, by several threads at the same time, and with `prepare`.
        Raises an error that fails this input only.
        """
        finished: MadeT = made
        return finished

    def stats(self) -> Mapping[str, JSON]:
        """What the instance that looks at inputs counts of its own work, such as hits and misses of a cache.

        `slotline model status` shows it for each model. By default nothing. Called by any thread at any time, between
        `attach` and `detach`; it must answer at once, without waiting for work in progress.
        """
        return {}

    def memory_bytes(self) -> int | None:
        """The memory of the loaded model in bytes; None if it is not known.

        A registry uses it to decide which models are evicted.
        """
        return None

    @abstractmethod
    def unload(self) -> None:
        """Free all memory; does nothing if no model is loaded."""

    def _read_size(self, name: str) -> int:
        return len(self.read_artifact(name))


def never_cancelled(index: int) -> bool:
    """What `Adapter.is_cancelled` says while nothing runs."""
    return False


def _no_artifacts(name: str) -> bytes:
    raise RuntimeError("only the instance that looks at inputs reads artifacts")


AnyAdapter: TypeAlias = Adapter[Any, Any]
"""An adapter of any craft."""
