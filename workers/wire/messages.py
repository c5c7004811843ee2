"""Every message between a slot worker's parent and its child: one frozen dataclass each, one JSON line on the wire.

This file defines the messages and how they are written; `link.py` carries them. Requests and results go between parent
and sidecar instead (`batches.py`), and runs between sidecar and child (`work_line.py`).

| message | sent by the child in | handled by the parent in |
| --- | --- | --- |
| StateEntered, StandsBy | `child/main.py` | `parent/supervisor.py` |
| Loaded, FailedToLoad | `child/operations.py` | `parent/supervisor.py` |
| WaitsForTurn, VariantLoadBegan, VariantLoadEnded | `child/models/for_slot.py`, at a load | `parent/supervisor.py` |
| RegistryOffer | `child/offering.py`, every few seconds | `duties/readiness.py`, through the supervisor |
| RegistryHolds | the same, and `child/models/for_slot.py`, at a load and an unload | the same |
| MemoryUsed | `child/serving.py`, after a run | `parent/supervisor.py` |
| Status | `child/answers.py`, in a thread | the caller of `Supervisor.ask_status` |
| OperationRan | `child/operations.py`, after an operation | `parent/operations.py`, through the supervisor |

| message | sent by the parent in | handled by the child in |
| --- | --- | --- |
| AskStatus | `parent/supervisor.py` | `child/answers.py`, in a thread |
| CancelRequests | `parent/losses.py`, through the supervisor | `child/answers.py`, in a thread |
| RunOperation | `parent/operations.py`, through the supervisor | `child/answers.py`, then `child/operations.py` |

Guarantee: a line that is not a message, or has a missing, unknown or wrong field, raises a
`BadMessage` that names it. Both ends match over `FromChild` and `FromParent`, so mypy finds a message
that is not handled.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, ClassVar, TypeAlias

from pydantic import ConfigDict, TypeAdapter, ValidationError

from tasks.offers import Published
from workers.wire.state import State

SHOWN_CHARS = 80
"""How much of an unreadable line the error quotes."""


class Operation(StrEnum):
    """What the child can do with its models while nothing else runs."""

    LOAD = "load"
    UNLOAD = "unload"
    TIDY = "tidy"
    """Unload the models of a registry that are idle for too long."""


class BadMessage(ValueError):
    """A line that is not a known message, or has wrong fields; the text says which."""


class _Message:
    """The base of all messages: unknown fields are refused."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")


@dataclass(frozen=True)
class StateEntered(_Message):
    """The model entered a state. Not sent for `ready`, `busy` and `failed`, which have other messages."""

    state: State


@dataclass(frozen=True)
class Loaded(_Message):
    """The model is ready, after `load_s` seconds; `offer` is None for a registry. `rss_bytes` as in `MemoryUsed`."""

    load_s: float
    offer: Published | None = None
    rss_bytes: int = 0


@dataclass(frozen=True)
class FailedToLoad(_Message):
    """The model cannot be loaded, and the child ends; `is_permanent`: a second load would fail too."""

    error: str
    is_permanent: bool
    traceback: str | None = None


@dataclass(frozen=True)
class StandsBy(_Message):
    """A lazy slot's child takes requests; the first one loads its model."""


@dataclass(frozen=True)
class WaitsForTurn(_Message):
    """The load waits, because the worker `holder` loads a model on the same GPU."""

    holder: str


@dataclass(frozen=True)
class VariantLoadBegan(_Message):
    """The load of one of a registry's models has begun."""

    name: str


@dataclass(frozen=True)
class VariantLoadEnded(_Message):
    """The load of one of a registry's models has ended."""

    name: str
    is_loaded: bool


@dataclass(frozen=True)
class RegistryOffer(_Message):
    """A registry's offer: the voices in its folder now."""

    offer: Published


@dataclass(frozen=True)
class RegistryHolds(_Message):
    """Which of a registry's models are loaded, how many more fit, and how long a load takes on average, once known."""

    variants: tuple[str, ...]
    room: int
    load_s: float | None = None


@dataclass(frozen=True)
class MemoryUsed(_Message):
    """How much of the host's memory the process uses after a batch; sent only where the model's table limits it."""

    rss_bytes: int


@dataclass(frozen=True)
class Status(_Message):
    """The answer to `AskStatus(number)`: the child's status as JSON."""

    number: int
    fields: Mapping[str, Any]


@dataclass(frozen=True)
class AskStatus(_Message):
    """Asks for a `Status` with the same number, also while a batch runs."""

    number: int


@dataclass(frozen=True)
class CancelRequests(_Message):
    """These calls of a batch are cancelled; the child stops computing them at its next safe point."""

    batch: int
    calls: tuple[int, ...]


@dataclass(frozen=True)
class RunOperation(_Message):
    """Asks the child to load, unload or tidy its models, when nothing else runs; answered by `OperationRan`."""

    number: int
    operation: Operation


@dataclass(frozen=True)
class OperationRan(_Message):
    """The operation of this number has ended. `answer` is that of `tidy`, else None; `error` says why it failed."""

    number: int
    answer: float | None = None
    error: str = ""


OfModel: TypeAlias = StateEntered | Loaded | FailedToLoad | StandsBy | WaitsForTurn
"""The messages about the state of the slot's model."""

OfRegistry: TypeAlias = VariantLoadBegan | VariantLoadEnded | RegistryOffer | RegistryHolds
"""The messages about a registry's models."""

FromChild: TypeAlias = OfModel | OfRegistry | MemoryUsed | Status | OperationRan
FromParent: TypeAlias = AskStatus | CancelRequests | RunOperation

Readers: TypeAlias = Mapping[str, TypeAdapter[Any]]


def _readers(*types: type[_Message]) -> Readers:
    return {one.__name__: TypeAdapter(one) for one in types}


FROM_CHILD = _readers(
    StateEntered,
    Loaded,
    FailedToLoad,
    StandsBy,
    WaitsForTurn,
    VariantLoadBegan,
    VariantLoadEnded,
    RegistryOffer,
    RegistryHolds,
    MemoryUsed,
    Status,
    OperationRan,
)
FROM_PARENT = _readers(AskStatus, CancelRequests, RunOperation)
"""The messages from each side, by name, with the type adapter that checks their fields."""


def encode(message: FromChild | FromParent) -> bytes:
    """The message as one line: its name under `type`, and its fields."""
    return json.dumps({"type": type(message).__name__, **asdict(message)}, ensure_ascii=False).encode() + b"\n"


def decode(line: bytes, readers: Readers) -> Any:
    """The message of a line; `readers` has the allowed ones. Raises `BadMessage`."""
    try:
        fields = dict(json.loads(line))
        name = fields.pop("type")
    except (ValueError, TypeError, KeyError) as exc:
        raise BadMessage(f"not a message: {line[:SHOWN_CHARS]!r} ({type(exc).__name__}: {exc})") from exc
    reader = readers.get(name) if isinstance(name, str) else None
    if reader is None:
        raise BadMessage(f"{name!r} is not a message that comes from this side")
    try:
        return reader.validate_python(fields)
    except ValidationError as exc:
        wrong = "; ".join(f"{'.'.join(map(str, one['loc'])) or 'message'}: {one['msg']}" for one in exc.errors())
        raise BadMessage(f"{name}: {wrong}") from exc
