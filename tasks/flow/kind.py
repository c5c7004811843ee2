"""A kind of job: how its request is split into parts, and how what the parts came to is put together.

Each kind stands in its own module of `tasks/kinds`, or of an entry point `slotline.kinds`. It
decides nothing about a job's life, which is the same for all kinds (`tasks/flow/job.py`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
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

    `params` is what all parts share. `width` is how many may be under way; None goes by the model's live slots.
    `part_results` says whether each part's result is kept in Celery's backend too: the ledger has them anyway.
    `measure` is what the parts add up, at its beginning: an amount of 0.
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
    part_results: bool = False
    measure: Measure | None = None


@dataclass(frozen=True)
class Gathered:
    """All that a kind needs to put a job together: payloads in order, and what each part came to."""

    record: Record
    params: Mapping[str, Any]
    payloads: list[str]
    outcomes: Mapping[int, Mapping[str, Any]]

    @property
    def good(self) -> dict[int, Mapping[str, Any]]:
        """What came of the parts that did not fail, in order."""
        return {part: outcome for part, outcome in sorted(self.outcomes.items()) if "error" not in outcome}

    @property
    def computed(self) -> int:
        """How many parts were computed anew."""
        return sum(int(outcome.get("computed", 0)) for outcome in self.good.values())


@dataclass(frozen=True)
class Made:
    """What a kind put together: the task's result, and how many parts were computed anew."""

    result: Mapping[str, Any]
    computed: int = 0
    kept: str = ""
    """What there is where parts have failed; a sentence without its end, for the error's words."""


class Incomplete(Exception):
    """The artifacts of these parts are gone or damaged; they must be computed again."""

    def __init__(self, parts: list[int]) -> None:
        super().__init__(parts)
        self.parts = parts


class More(Exception):
    """What the parts came to is to be worked on once more: these payloads are further parts of the job."""

    def __init__(self, payloads: list[str]) -> None:
        super().__init__(len(payloads))
        self.payloads = payloads


class Kind(ABC, Generic[RequestT]):
    """How one kind of job is split and put together."""

    request: type[RequestT]
    """What the job's task takes; its `kind` names this kind in the job's record and result."""
    unit: ClassVar[str]
    """What a person calls one part: paragraph, chapter."""

    def request_of(self, payload: str) -> RequestT:
        """The request of a job of this kind that is itself a part of another, from that job's payload.

        Nothing is checked again: the flow worker that planned the other job wrote it.
        """
        raise InvalidInput(f"job: a job of kind {self.request.kind!r} cannot be part of another job")

    @abstractmethod
    def plan(self, request: RequestT, offers: Offers, is_part: bool) -> Plan:
        """Split the request; raises `InvalidInput` for what cannot be served."""

    @abstractmethod
    def gather(self, gathered: Gathered) -> Made:
        """Put the parts together; raises `Incomplete` naming parts whose artifact is gone, or `More`.

        The same payloads and outcomes must give the same, for it may be called more than once. Not `More` where
        parts have failed: what there is belongs to the error.
        """

    def measure(self, result: Mapping[str, Any]) -> Measure | None:
        """How much a job of this kind made, where it is a part of another that adds it up."""
        return None
