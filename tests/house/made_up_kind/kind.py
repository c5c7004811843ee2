"""The tasks of drawings: a shape is a part, an album a job."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from celery import Task

from tasks.app import app
from tasks.catalog import catalog
from tasks.errors import SlotlineError
from tasks.flow.connections import ledger
from tasks.flow.job import run
from tasks.flow.kind import Gathered, Kind, Made, Plan
from tasks.flow.ledger.record import Measure
from tasks.flow.part_task import conclude
from tasks.flow.parts import PartRecord, Parts
from tasks.offers import Offers
from tasks.routing import queue_of
from tasks.store.names import Artifact
from tests.house.made_up_kind.messages import DRAWING, AlbumRequest, AlbumResult, ShapeRequest, ShapeResult


@app.task(name=ShapeRequest.task, bind=True, throws=(SlotlineError,), acks_late=True)
def shape(self: Task, **fields: Any) -> Mapping[str, Any]:
    """Draw one shape."""
    return conclude(self, fields, PARTS)


@app.task(name=AlbumRequest.task, bind=True, throws=(SlotlineError,), acks_late=True)
def album(self: Task, **fields: Any) -> Mapping[str, Any]:
    """Draw many."""
    return run(self, AlbumKind(), ledger(app), fields)


def strokes(amount: int) -> Measure:
    """What drawings are measured by."""
    return Measure("strokes", amount, "strokes of the pen")


class ShapeParts(Parts):
    """Drawings as the ledger keeps them."""

    craft = DRAWING

    def fields(self, payload: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """Its payload is `S` and its number of corners."""
        return {**params, "corners": int(payload[1:])}

    def record(self, artifact: Artifact) -> PartRecord:
        """The artifact, and its strokes."""
        about = {"artifact": artifact.name, "strokes": artifact.details["strokes"]}
        return PartRecord(about, strokes(about["strokes"]))

    def result(self, artifact: Artifact, computed: bool, fields: Mapping[str, Any]) -> ShapeResult:
        """The same as a result."""
        return ShapeResult(**self.record(artifact).settled, computed=computed)

    def results(self, outcomes: Mapping[int, Mapping[str, Any]]) -> dict[int, ShapeResult]:
        """What the ledger keeps is a result already."""
        return {part: ShapeResult.parse(outcome) for part, outcome in outcomes.items()}


PARTS = ShapeParts()


class AlbumKind(Kind[AlbumRequest]):
    """An album: each shape is a part."""

    request = AlbumRequest
    unit = "drawing"

    def plan(self, request: AlbumRequest, offers: Offers, is_part: bool) -> Plan:
        """One part a shape."""
        request.check(catalog()[request.model], offers.published(request.model))
        return Plan(
            title=request.title,
            model=request.model,
            params=ShapeRequest.shared(request),
            payloads=[f"S{corners}" for corners in request.shapes],
            part_task=ShapeRequest.task,
            part_queue=queue_of(request.model),
            part_priority=0,
            measure=strokes(0),
        )

    def gather(self, gathered: Gathered) -> Made:
        """The drawings in order."""
        found = PARTS.results(gathered.good)
        shapes = [found.get(number) for number in range(1, gathered.record.total + 1)]
        return Made(AlbumResult(title=gathered.record.title, shapes=shapes).fields(), gathered.computed)
