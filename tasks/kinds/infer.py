"""The task of any model: `infer.one`. Many inputs at once are `infer.map` (`map.py`).

A slot computes an input; the body of its task (`tasks/flow/part_task.py`) only settles it. A short JSON output is kept
in the artifact's details too, and so in the ledger: a map's results are then put together without a look at the store.
Loads no model code.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from celery import Task

from tasks.app import app
from tasks.errors import ArtifactMissing, SlotlineError
from tasks.flow.kind import Incomplete
from tasks.flow.part_task import conclude
from tasks.flow.parts import PartRecord, Parts
from tasks.messages import INLINE_TEXT_BYTES, InferRequest, InferResult
from tasks.messages.infer import INFER, JSON_TYPE
from tasks.store.artifacts import Artifact, store


@app.task(name=InferRequest.task, bind=True, throws=(SlotlineError,), acks_late=True)
def one(self: Task, **fields: Any) -> Mapping[str, Any]:
    """Compute one input: the fields are those of `InferRequest`, or `job` and `part` for a part of a job."""
    return conclude(self, fields, PARTS)


class InferParts(Parts):
    """Outputs: the ledger has their names and media types, and those that are short."""

    craft = INFER

    def record(self, artifact: Artifact) -> PartRecord:
        """The output's name, size and media type; and the output, if the artifact's details have it."""
        details = artifact.details
        about = {"artifact": artifact.name, "bytes": artifact.bytes, "media_type": str(details["media_type"])}
        return PartRecord({**about, **({"output": details["output"]} if "output" in details else {})})

    def result(self, artifact: Artifact, computed: bool, fields: Mapping[str, Any]) -> InferResult:
        """The output as a result; raises `ArtifactMissing`."""
        return _result({**self.record(artifact).settled, "computed": computed})

    def results(self, outcomes: Mapping[int, Mapping[str, Any]]) -> dict[int, InferResult]:
        """Each output as a result; raises `Incomplete`."""
        found, gone = {}, []
        for part, outcome in outcomes.items():
            try:
                found[part] = _result(outcome)
            except ArtifactMissing:
                store().delete(outcome["artifact"])  # so that a damaged artifact is not found again
                gone.append(part)
        if gone:
            raise Incomplete(gone)
        return found


PARTS = InferParts()


def _result(about: Mapping[str, Any]) -> InferResult:
    """With the output, if it is short JSON; raises `ArtifactMissing`."""
    if "output" in about:
        return InferResult.parse({**about, "is_inline": True})
    if about["media_type"] != JSON_TYPE or about["bytes"] > INLINE_TEXT_BYTES:
        return InferResult.parse(about)
    return InferResult.parse({**about, "output": json.loads(store().read_bytes(about["artifact"])), "is_inline": True})
