"""The values that the stages of a batch pass to each other. Values only.

A call is identified by its number in its batch (from 0), not by its task id: a message that
was delivered twice is two calls with the same task id.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tasks.flow.outcomes import Outcome
from tasks.messages import PartRequest
from workers.sidecar.crafts.base import KnownModel, SlotCraft
from workers.wire.call import Call

AnyCraft = SlotCraft[Any, Any]

IsCancelled = Callable[[int], bool]
"""Takes a call's number; returns whether the call is cancelled."""

Outcomes = Mapping[int, Outcome]
"""How calls of a batch ended, by their numbers."""


@dataclass(frozen=True)
class BatchRequest:
    """One request of a batch, read and checked; `run_of` is the task or the part that it is a run of.

    `part` is the request for the model. `variant` is the registry's model that it needs. `runs` is the number of
    earlier attempts.
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
    """One artifact to make, for all requests that need it: it is made for the first one, and the others get it too.

    `part` is the request for the model, and `item` what its adapter has prepared of it for `run`. `attempt` is 0 until
    the attempt is counted. The adapter of `model`, if given, finishes what the model makes.
    """

    artifact: str
    part: PartRequest
    item: Any
    requests: Sequence[BatchRequest]
    attempt: int = 0
    model: KnownModel | None = None

    @property
    def first(self) -> BatchRequest:
        """The request whose attempt is counted."""
        return self.requests[0]

    @property
    def claim(self) -> tuple[str, str]:
        """The artifact and the delivery tag that claimed it."""
        return self.artifact, self.first.call.delivery_tag

    @property
    def calls(self) -> tuple[int, ...]:
        """The calls that get the artifact."""
        return tuple(request.index for request in self.requests)


@dataclass(frozen=True)
class TakenBatch:
    """The readable requests of a batch, by the model that they need; the other calls have their outcomes.

    `alone` has the numbers of calls that may have ended a process before they were claimed, and must run alone.
    """

    by_variant: Mapping[str | None, Sequence[BatchRequest]]
    outcomes: Outcomes
    alone: frozenset[int] = frozenset()


@dataclass(frozen=True)
class ReadyBatch:
    """The work for one model; `model` is None if it could not be loaded, and then there is no work.

    `outcomes` are those of requests that need no run. `alone` has the numbers of calls that must run alone, `returned`
    those of calls that go back to their queue. `failed` names a model that could not be loaded.
    """

    model: KnownModel | None
    work: Sequence[Work] = ()
    outcomes: Outcomes = field(default_factory=dict)
    alone: frozenset[int] = frozenset()
    failed: tuple[str, ...] = ()
    returned: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Computed:
    """The model's result for one work, or an exception; `ended_at` by the monotonic clock, `took_s` with its run."""

    work: Work
    result: Any
    ended_at: float = 0.0
    took_s: float = 0.0


@dataclass
class Ran:
    """How calls of a batch ended: their outcomes, and the failures and successes of the model itself.

    `failed` has the ids of tasks on which the model failed, and names of a registry's models that could not be loaded.
    `worked`: at least one artifact was made. `alone` has the numbers of calls that must run in a batch of their own,
    `returned` those of calls that go back to their queue, because the model is paused. `claims` are to be released.
    """

    failed: tuple[str, ...] = ()
    worked: bool = False
    alone: frozenset[int] = frozenset()
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    returned: frozenset[int] = frozenset()
    took_s: dict[int, float] = field(default_factory=dict)
    """How long each call took, from the begin of its run until its outcome was there; nothing for one without a run."""
    claims: list[tuple[str, str]] = field(default_factory=list)

    def add(self, other: Ran) -> None:
        """Add what another part of the same batch came to."""
        self.failed += other.failed
        self.worked = self.worked or other.worked
        self.alone |= other.alone
        self.outcomes.update(other.outcomes)
        self.returned |= other.returned
        self.took_s.update(other.took_s)
        self.claims += other.claims
