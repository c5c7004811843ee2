"""A kind of job: how its request is split into parts, and how the parts' outcomes are gathered to a result.

Each kind is in its own module of `tasks/kinds`, or of an entry point `slotline.kinds`. The
life of a job is the same for all kinds (`tasks/flow/job.py`).
"""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from tasks.errors import InvalidInput
from tasks.flow.ledger.record import Measure, Record
from tasks.messages import JobRequest
from tasks.offers import Offers

RequestT = TypeVar("RequestT", bound=JobRequest)


@dataclass(frozen=True)
class Plan:
    """A job split into parts. `skipped` maps a part's number (from 1) to why it is not computed.

    `params` are shared by all parts. `width` is how many parts may run at once at most; None: what the model's live
    slots take. `variant` is the registry's model that all parts need, as a word (`tasks/messages/variants.py`), or
    `variant_field` is the field of each part's payload that names it. `part_results`: whether each part's result is
    also stored in Celery's backend (the ledger has it in any case). `measure` is the sum over all parts, at its start:
    an amount of 0. `part_task` is the task that the parts are messages of, or `*field`: each part's payload names its
    own in this field. `names_artifacts`: payloads and `params` name artifacts, which are kept while the job is open.
    """

    title: str
    model: str
    payloads: list[str]
    part_task: str
    part_queue: str
    part_priority: int
    params: Mapping[str, Any]
    voice: str | None = None
    skipped: Mapping[int, str] | None = None
    width: int | None = None
    variant: str = ""
    variant_field: str = ""
    part_results: bool = False
    measure: Measure | None = None
    names_artifacts: bool = False
    sizes: Sequence[int] | None = None
    """How much there is to compute in each part. None: the length of its payload; of a part that is a job, what the
    producer has told."""


@dataclass(frozen=True)
class Gathered:
    """All that a kind needs to gather a job: its payloads in order, and the outcome of each part."""

    record: Record
    params: Mapping[str, Any]
    payloads: list[str]
    outcomes: Mapping[int, Mapping[str, Any]]

    @functools.cached_property
    def good(self) -> dict[int, Mapping[str, Any]]:
        """The outcomes of the parts that did not fail, in order."""
        return {part: outcome for part, outcome in sorted(self.outcomes.items()) if "error" not in outcome}

    @property
    def computed(self) -> int:
        """How many parts were computed in this job."""
        return sum(int(outcome.get("computed", 0)) for outcome in self.good.values())


@dataclass(frozen=True)
class Made:
    """What a kind has gathered: the task's result, and the number of parts that were computed in this job."""

    result: Mapping[str, Any]
    computed: int = 0
    kept: str = ""
    """If parts have failed: what is kept of the others, as a sentence without its full stop, for the error."""


class Incomplete(Exception):
    """The artifacts of these parts are missing or damaged; they must be computed again."""

    def __init__(self, parts: list[int]) -> None:
        super().__init__(parts)
        self.parts = parts


class More(Exception):
    """The outcomes of the parts need a further step: these payloads become new parts of the job."""

    def __init__(self, payloads: list[str]) -> None:
        super().__init__(len(payloads))
        self.payloads = payloads


class Kind(ABC, Generic[RequestT]):
    """How one kind of job is split and gathered."""

    request: type[RequestT]
    """The request of the job's task; its `kind` is the name of this kind in the job's record and result."""
    unit: ClassVar[str]
    """The word for one part in messages: paragraph, chapter."""
    units: ClassVar[str] = ""
    """The word for several parts; empty: `unit` with an s."""

    def request_of(self, payload: str) -> RequestT:
        """The request of a job of this kind that is itself a part, from the payload in its parent job.

        Nothing is checked: the flow worker that planned the parent job wrote the payload.
        """
        raise InvalidInput(f"job: a job of kind {self.request.kind!r} cannot be part of another job")

    @abstractmethod
    def plan(self, request: RequestT, offers: Offers, is_part: bool) -> Plan:
        """Split the request; raises `InvalidInput` if it is not valid."""

    @abstractmethod
    def gather(self, gathered: Gathered) -> Made:
        """Gather the outcomes to a result; raises `Incomplete` with parts whose artifacts are missing, or `More`.

        It may be called more than once, so the same payloads and outcomes must give the same. If parts have failed, it
        must not raise `More`: the result is then part of the error.
        """

    def answer(self, result: Mapping[str, Any]) -> Mapping[str, Any]:
        """Celery's result of a job that is no part of another: what the ledger keeps, and what is too large for it.

        It may read the store, and raises nothing: the job has ended. It may be called more than once.
        """
        return result

    def measure(self, result: Mapping[str, Any]) -> Measure | None:
        """How much a job of this kind has made, for the sum of its parent job; None without a measure."""
        return None
