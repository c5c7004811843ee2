"""The summary tasks: `summary.part`.

A part is computed by a slot: its body (`tasks/flow/computed.py`) only settles it. Loads no
model code.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from celery import Task

from tasks.app import app
from tasks.artifacts import Artifact, store
from tasks.errors import SlotlineError
from tasks.flow.computed import Told, conclude
from tasks.messages import SummaryResult


@app.task(name="summary.part", bind=True, throws=(SlotlineError,), acks_late=True)
def part(self: Task, **fields: Any) -> Mapping[str, Any]:
    """Summarise one text at once: the fields of `SummaryPartRequest`; or the part `part` of the job `job`."""
    return conclude(self, fields, summary_told, summary_result)


def summary_told(artifact: Artifact) -> Told:
    """A summary's artifact as the ledger keeps it; its text stays in the store."""
    details = artifact.details
    about = {"artifact": artifact.name, "tokens_read": details["tokens_read"], "is_cut": details["is_cut"]}
    return Told({"summary": about})


def summary_result(artifact: Artifact, computed: bool) -> Mapping[str, Any]:
    """A summary's artifact as a result, with its text; raises `ArtifactMissing`."""
    text = store().read_bytes(artifact.name).decode()
    return SummaryResult(text=text, computed=computed, **summary_told(artifact).settled["summary"]).fields()
