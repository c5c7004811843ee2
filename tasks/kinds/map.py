"""Many inputs at once, for any model: `infer.map`.

Its parts are the tasks that compute one input, `speech.paragraph` or `summary.part`, as the
model speaks or writes; so an input's artifact is the same, however it was asked for.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from celery import Task

from tasks.app import app
from tasks.catalog import catalog
from tasks.errors import InvalidInput, SlotlineError
from tasks.flow.connections import ledger, offers
from tasks.flow.job import Gathered, Made, Plan, run
from tasks.flow.ledger import Ledger
from tasks.flow.payloads import input_payload
from tasks.kinds.summary import written_of
from tasks.messages import (
    INLINE_TEXT_BYTES,
    Audio,
    MapRequest,
    ParagraphResult,
    SummaryResult,
)
from tasks.messages.inputs import checked_inputs
from tasks.messages.lookup import craft_named, craft_of
from tasks.messages.map import MOST_INPUTS
from tasks.routing import PRIORITIES, queue_of
from tasks.store.artifacts import store


@app.task(name="infer.map", bind=True, throws=(SlotlineError,), acks_late=True)
def infer_map(self: Task, **fields: Any) -> Mapping[str, Any]:
    """Compute many inputs: the fields of `MapRequest`; gives a `MapResult`."""
    return run(self, MapKind(), ledger(app), fields)


class MapKind:
    """Many inputs: each is a part."""

    name = "map"
    unit = "input"

    def fields_of(self, payload: str) -> Mapping[str, Any]:
        """It is not part of anything."""
        raise InvalidInput("job: a job of many inputs cannot be part of another job")

    def plan(self, ledger: Ledger, fields: Mapping[str, Any], is_part: bool) -> Plan:
        """One part an input, with its own fields."""
        request = MapRequest.parse(fields)
        inputs = request.inputs if request.inputs is not None else _read(str(request.inputs_ref))
        entry, offer = catalog()[request.model], offers(app).published(request.model)
        craft = craft_named(request.craft) if request.craft else craft_of(request.model, entry, offer)
        checked = checked_inputs(request.model, craft, inputs, entry, offer)
        return Plan(
            title=request.title,
            model=request.model,
            voice=None,
            params={"craft": craft.name},
            payloads=[input_payload(one.fields()) for one in checked],
            skipped={},
            width=request.parallel_inputs,
            part_task=craft.request.task,
            part_queue=queue_of(request.model),
            part_priority=PRIORITIES["chapter"],
            part_results=False,  # the ledger has them
        )

    def gather(self, gathered: Gathered) -> Made:
        """Each input's result in order, None for one that failed; raises `Incomplete`."""
        good = {part: outcome for part, outcome in gathered.outcomes.items() if "error" not in outcome}
        found = _summaries(good) if gathered.params["craft"] == "summary" else _sounds(good)
        results = [found.get(number) for number in range(1, gathered.record.total + 1)]
        told: dict[str, Any] = {
            "kind": self.name,
            "title": gathered.record.title,
            "total": gathered.record.total,
            "computed": sum(bool(outcome["computed"]) for outcome in good.values()),
        }
        listed = json.dumps(results, ensure_ascii=False, separators=(",", ":"))
        if len(listed.encode()) > INLINE_TEXT_BYTES:
            told["results_ref"] = store().put_text(listed)
        else:
            told["results"] = results
        audio_s = sum(float(one.get("duration_s", 0)) for one in found.values())
        return Made(told, audio_s, int(told["computed"]), kept="The results of the others are kept")


def _read(name: str) -> list[dict[str, Any]]:
    try:
        found = json.loads(store().read_text(name))
    except ValueError as exc:
        raise InvalidInput(f"inputs_ref: {name} is not JSON") from exc
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise InvalidInput(f"inputs_ref: {name} holds no list of inputs")
    if not 1 <= len(found) <= MOST_INPUTS:
        raise InvalidInput(f"inputs_ref: {len(found)} inputs; there may be 1 to {MOST_INPUTS}")
    return found


def _sounds(good: Mapping[int, Mapping[str, Any]]) -> dict[int, dict[str, Any]]:
    found = {}
    for part, outcome in good.items():
        audio = Audio.parse(outcome["audio"])
        result = ParagraphResult(audio=audio, duration_s=round(audio.duration_s, 3), computed=outcome["computed"])
        found[part] = result.fields()
    return found


def _summaries(good: Mapping[int, Mapping[str, Any]]) -> dict[int, dict[str, Any]]:
    written = written_of(good, sorted(good))
    return {
        part: SummaryResult(text=written[part], computed=outcome["computed"], **outcome["summary"]).fields()
        for part, outcome in good.items()
    }
