"""A craft's parts in jobs and in the ledger: the request of a payload, and the result of an artifact.

Each craft has one instance, in its module of `tasks/kinds` or of an entry point
`slotline.kinds`; `parts_of` finds it. Computes nothing, and runs no model.
"""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from tasks import plugins
from tasks.errors import InvalidInput
from tasks.flow.ledger.record import Measure
from tasks.flow.payloads import input_fields
from tasks.messages import Craft, PartRequest, Result
from tasks.store.names import Artifact


@dataclass(frozen=True)
class PartRecord:
    """What the ledger keeps of a finished part; JSON-ready. `measure` is added to the job's measure."""

    settled: Mapping[str, Any]
    measure: Measure | None = None


class Parts(ABC):
    """How one craft's parts look in jobs and in the ledger."""

    craft: ClassVar[Craft]
    measure: ClassVar[Measure | None] = None
    """The measure of a job's parts, with an amount of 0; None if they have none."""

    def request(self, payload: str, params: Mapping[str, Any]) -> PartRequest:
        """The request of a part. Nothing is checked: a flow worker has checked the job and written the payload."""
        own = input_fields(payload)
        return self.craft.request.trusted(self.fields(payload, params) if own is None else own)

    def fields(self, payload: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """The fields of a part's request, for this craft's own kinds of jobs; `params` are shared by all parts."""
        return {**params, "text": payload[1:]}

    @abstractmethod
    def record(self, artifact: Artifact) -> PartRecord:
        """What the ledger keeps of an artifact; the caller adds whether it was computed."""

    @abstractmethod
    def result(self, artifact: Artifact, computed: bool, fields: Mapping[str, Any]) -> Result:
        """An artifact as the result of a task without a job, which had these fields; raises `ArtifactMissing`."""

    @abstractmethod
    def results(self, outcomes: Mapping[int, Mapping[str, Any]]) -> Mapping[int, Result]:
        """The outcomes of many parts as results of tasks without a job.

        Raises `Incomplete` with the parts whose artifacts are missing.
        """


@functools.cache
def _all() -> Mapping[str, Parts]:
    found: dict[str, Parts] = {}
    for one in plugins.instances(plugins.KINDS, Parts):  # type: ignore[type-abstract]
        found.setdefault(one.craft.name, one)
    return found


def parts_of(craft: str) -> Parts:
    """The `Parts` of the craft of that name; raises `InvalidInput` if no kind of work has them."""
    try:
        return _all()[craft]
    except KeyError:
        raise InvalidInput(f"craft: no kind of work that is installed here has parts of {craft!r}") from None
