"""A craft's parts as jobs and the ledger see them: the request in a payload, and what an artifact is as a result.

One instance a craft stands in the craft's own module of `tasks/kinds`, or of an entry point
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
    """What stands in the ledger for a part that was made; JSON-ready. `measure` is what the job's total grows by."""

    settled: Mapping[str, Any]
    measure: Measure | None = None


class Parts(ABC):
    """What one craft says of its parts."""

    craft: ClassVar[Craft]
    measure: ClassVar[Measure | None] = None
    """What the parts of a job are measured by, with an amount of 0; None where they are not measured."""

    def request(self, payload: str, params: Mapping[str, Any]) -> PartRequest:
        """What a part asks of the model. Nothing is checked again: a flow worker checked the job and wrote this."""
        own = input_fields(payload)
        return self.craft.request.trusted(self.fields(payload, params) if own is None else own)

    def fields(self, payload: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """The request's fields, of a part of a job of this craft's own; `params` are what all its parts share."""
        return {**params, "text": payload[1:]}

    @abstractmethod
    def record(self, artifact: Artifact) -> PartRecord:
        """An artifact as the ledger keeps it; whether it was computed is added to that."""

    @abstractmethod
    def result(self, artifact: Artifact, computed: bool) -> Result:
        """An artifact as the result of a task that stands alone; raises `ArtifactMissing`."""

    @abstractmethod
    def results(self, outcomes: Mapping[int, Mapping[str, Any]]) -> Mapping[int, Result]:
        """What the ledger keeps of many parts, as the results of tasks that stand alone.

        Raises `Incomplete` naming the parts whose artifact is gone.
        """


@functools.cache
def _all() -> Mapping[str, Parts]:
    found: dict[str, Parts] = {}
    for one in plugins.instances(plugins.KINDS, Parts):  # type: ignore[type-abstract]
        found.setdefault(one.craft.name, one)
    return found


def parts_of(craft: str) -> Parts:
    """The parts of the craft of that name; raises `InvalidInput` where no kind of work has such parts."""
    try:
        return _all()[craft]
    except KeyError:
        raise InvalidInput(f"craft: no kind of work that is installed here has parts of {craft!r}") from None
