"""Many inputs at once, for any model: `infer.map`.

Each part runs the task of the model's craft that computes one input. So an input has the
same artifact as when it is requested alone. Names no craft: the craft's own `Parts` define
its parts. Loads no model code.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from celery import Task

from tasks.app import app
from tasks.catalog import catalog
from tasks.compact_json import dumps
from tasks.errors import InvalidInput, SlotlineError
from tasks.flow.connections import ledger
from tasks.flow.job import run
from tasks.flow.kind import Gathered, Kind, Made, Plan
from tasks.flow.parts import parts_of
from tasks.flow.payloads import input_payload
from tasks.messages import INLINE_TEXT_BYTES, MapRequest, MapResult
from tasks.messages.inputs import checked_inputs
from tasks.messages.lookup import craft_named, craft_of
from tasks.messages.map import MOST_INPUTS
from tasks.offers import Offers
from tasks.routing import OF_JOB, queue_of
from tasks.store.artifacts import store


@app.task(name=MapRequest.task, bind=True, throws=(SlotlineError,), acks_late=True)
def infer_map(self: Task, **fields: Any) -> Mapping[str, Any]:
    """Compute many inputs; the fields are those of `MapRequest`, the result a `MapResult`."""
    return run(self, MapKind(), ledger(app), fields)


class MapKind(Kind[MapRequest]):
    """Many inputs; each one is a part."""

    request = MapRequest
    unit = "input"

    def plan(self, request: MapRequest, offers: Offers, is_part: bool) -> Plan:
        """One part per input, with its own fields."""
        inputs = request.inputs if request.inputs is not None else _read(str(request.inputs_ref))
        entry, offer = catalog()[request.model], offers.published(request.model)
        craft = craft_named(request.craft) if request.craft else craft_of(request.model, entry, offer)
        checked = checked_inputs(request.model, craft, inputs, entry, offer)
        return Plan(
            title=request.title,
            model=request.model,
            params={"craft": craft.name},
            payloads=[input_payload(one.words(), one.fields()) for one in checked],
            width=request.parallel_inputs,
            variant_field=craft.request.variant_field if entry.is_registry else "",
            part_task=craft.request.task,
            part_queue=queue_of(request.model),
            part_priority=OF_JOB,
            measure=parts_of(craft.name).measure,
            names_artifacts=craft.request.names_artifacts,
            sizes=[one.input_size() for one in checked],
        )

    def gather(self, gathered: Gathered) -> Made:
        """Each input's result in order, None for one that failed; raises `Incomplete`."""
        found = parts_of(gathered.params["craft"]).results(gathered.good)
        numbers = range(1, gathered.record.total + 1)
        results = [found[number].fields() if number in found else None for number in numbers]
        listed = dumps(results)
        is_long = len(listed.encode()) > INLINE_TEXT_BYTES
        result = MapResult(
            title=gathered.record.title,
            total=gathered.record.total,
            computed=gathered.computed,
            results=None if is_long else results,
            results_ref=store().put_text(listed) if is_long else None,
        )
        return Made(result.fields(), gathered.computed, kept="The results of the others are kept")


def _read(name: str) -> list[dict[str, Any]]:
    try:
        found = json.loads(store().read_text(name))
    except ValueError as exc:
        raise InvalidInput(f"inputs_ref: {name} is not JSON") from exc
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise InvalidInput(f"inputs_ref: {name} is not a list of inputs")
    if not 1 <= len(found) <= MOST_INPUTS:
        raise InvalidInput(f"inputs_ref: {len(found)} inputs; there may be 1 to {MOST_INPUTS}")
    return found
