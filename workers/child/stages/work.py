"""The values that the stages of a batch hand to one another. Nothing here does anything.

A call is known by its number in its batch (from 0), so outcomes travel with their batch
until they are left for Celery's trace: a message that came twice is two calls with the
same task id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tasks.flow.outcomes import Outcome
from tasks.messages import PartRequest
from workers.child.crafts.base import SlotCraft
from workers.wire.call import Call

if TYPE_CHECKING:
    from workers.child.models.base import LoadedModel

AnyCraft = SlotCraft[Any, Any]

IsCancelled = Callable[[str], bool]
"""Asked with a request's delivery tag: whether its job was cancelled meanwhile."""

Outcomes = Mapping[int, Outcome]
"""How calls of a batch ended, by their numbers."""


@dataclass(frozen=True)
class BatchRequest:
    """One request of a batch, read and checked; `run_of` is the task or the part that it is a run of.

    `part` is what it wants of the model.
    `variant` says which of many small models it wants; `runs` is how many runs of it were begun before.
    """

    index: int
    call: Call
    craft: AnyCraft
    run_of: tuple[str, int]
    part: PartRequest
    variant: str | None = None
    runs: int = 0


@dataclass(frozen=True)
class Work:
    """One artifact to be made, for all requests that want it: the first of them makes it, the others get the same.

    `part` is what the adapter gets; `attempt` is 0 until the attempt is counted.
    """

    artifact: str
    part: PartRequest
    requests: Sequence[BatchRequest]
    attempt: int = 0

    @property
    def first(self) -> BatchRequest:
        """The request whose attempt is counted."""
        return self.requests[0]


@dataclass(frozen=True)
class TakenBatch:
    """All requests of a batch that can be read, by the model that they want; the other calls have their outcomes."""

    by_variant: Mapping[str | None, Sequence[BatchRequest]]
    outcomes: Outcomes


@dataclass(frozen=True)
class ReadyBatch:
    """What is to be computed with one model; None where it could not be loaded, and then there is no work.

    `outcomes` are of those that need no run, `alone` the numbers of those that must not run in company.
    `failed` names a model that could not be loaded.
    """

    model: LoadedModel | None
    work: Sequence[Work] = ()
    outcomes: Outcomes = field(default_factory=dict)
    alone: frozenset[int] = frozenset()
    failed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Computed:
    """What the model made of one work: the adapter's result, or an exception in its place."""

    work: Work
    result: Any


@dataclass(frozen=True)
class Ran:
    """How a batch ended, and what it says of the model: what it failed on by a fault of its own, whether it made any.

    `failed` holds ids of tasks, and those of many small models that could not be loaded. `alone` are the numbers of
    the calls that were not run, because each must run in a batch of its own.
    """

    failed: tuple[str, ...] = ()
    worked: bool = False
    alone: frozenset[int] = frozenset()
    outcomes: Outcomes = field(default_factory=dict)

    @classmethod
    def together(cls, parts: Iterable[Ran]) -> Ran:
        """All parts of a batch, one a model, as one."""
        whole = cls()
        for part in parts:
            whole = cls(
                whole.failed + part.failed,
                whole.worked or part.worked,
                whole.alone | part.alone,
                {**whole.outcomes, **part.outcomes},
            )
        return whole
