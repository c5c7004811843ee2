"""Every message between a slot worker's parent and its child: one frozen dataclass each, one JSON line on the wire.

Says what the messages are and how they are written; `link.py` carries them. Work and results are not
among them: they go through Celery's own pool (`call.py`).

| message | sent by the child in | heard by the parent in |
| --- | --- | --- |
| StateEntered, StandsBy | `child/main.py` | `parent/supervisor.py` |
| Loaded, FailedToLoad | `child/operations.py` | `parent/supervisor.py` |
| WaitsForTurn, VariantLoadBegan, VariantLoadEnded | `child/models/for_slot.py`, at a load | `parent/supervisor.py` |
| RegistryOffer | `child/offering.py`, every few seconds | `duties/readiness.py`, through the supervisor |
| BatchRan | `child/process.py`, after a batch | `duties/readiness.py`, through the supervisor |
| Status | `child/answers.py`, in a thread | who called `Supervisor.ask_status` |

| message | sent by the parent in | heard by the child in |
| --- | --- | --- |
| AskStatus | `parent/supervisor.py` | `child/answers.py`, in a thread |
| Cancel | `parent/losses.py`, through the supervisor | `child/answers.py`, in a thread |

Guarantee: a line that is no message, or one with a field missing, unknown or of a wrong type, is a
`BadMessage` that names it. Both ends match over `FromChild` and `FromParent`, so that mypy finds a message
that is not handled.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, TypeAlias

from pydantic import ConfigDict, TypeAdapter, ValidationError

from tasks.offers import Published
from workers.wire.state import State

SHOWN_CHARS = 80
"""So much of a line that cannot be read is quoted in the error."""


class BadMessage(ValueError):
    """A line that is none of the messages, or one with wrong fields; the text says which."""


class _Message:
    """What all messages have in common: how strictly their fields are read."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")


@dataclass(frozen=True)
class StateEntered(_Message):
    """The model entered a state on its way up or down. Never `ready`, `busy` or `failed`: those have other messages."""

    state: State


@dataclass(frozen=True)
class Loaded(_Message):
    """The model is ready, after `load_s` seconds; `offer` is None where the slot has many small models."""

    load_s: float
    offer: Published | None = None


@dataclass(frozen=True)
class FailedToLoad(_Message):
    """The model cannot be loaded, and the child ends; `is_permanent`: a second try would fail in the same way."""

    error: str
    is_permanent: bool
    traceback: str | None = None


@dataclass(frozen=True)
class StandsBy(_Message):
    """A lazy slot's child serves; its model is loaded by the first job."""


@dataclass(frozen=True)
class WaitsForTurn(_Message):
    """The load waits, because the worker `holder` loads on the same GPU."""

    holder: str


@dataclass(frozen=True)
class VariantLoadBegan(_Message):
    """One of a registry's many small models is being loaded."""

    name: str


@dataclass(frozen=True)
class VariantLoadEnded(_Message):
    """That load has ended, well or not."""

    name: str
    is_loaded: bool


@dataclass(frozen=True)
class RegistryOffer(_Message):
    """Which voices a registry's folder holds now."""

    offer: Published


@dataclass(frozen=True)
class BatchRan(_Message):
    """How the model fared in a batch: ids of the tasks it failed on by its own fault, and whether it made any."""

    failed: tuple[str, ...]
    worked: bool


@dataclass(frozen=True)
class Status(_Message):
    """The answer to `AskStatus(number)`: what the child can say of itself, as JSON for people."""

    number: int
    fields: Mapping[str, Any]


@dataclass(frozen=True)
class AskStatus(_Message):
    """Answer with `Status` of the same number, also while a batch runs."""

    number: int


@dataclass(frozen=True)
class Cancel(_Message):
    """Nobody wants these requests of the running batch any more, named by their delivery tags."""

    delivery_tags: tuple[str, ...]


OfModel: TypeAlias = StateEntered | Loaded | FailedToLoad | StandsBy | WaitsForTurn
"""How the slot's one model comes and goes."""

FromChild: TypeAlias = OfModel | VariantLoadBegan | VariantLoadEnded | RegistryOffer | BatchRan | Status
FromParent: TypeAlias = AskStatus | Cancel

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
    BatchRan,
    Status,
)
FROM_PARENT = _readers(AskStatus, Cancel)
"""The messages that may come from one side, by name, each with what checks its fields."""


def encode(message: FromChild | FromParent) -> bytes:
    """The message as one line: its name under `type`, and its fields."""
    return json.dumps({"type": type(message).__name__, **asdict(message)}, ensure_ascii=False).encode() + b"\n"


def decode(line: bytes, readers: Readers) -> Any:
    """The message of a line; `readers` says which may come. Raises `BadMessage`."""
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
