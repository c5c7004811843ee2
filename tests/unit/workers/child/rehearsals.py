"""What the tests of a slot's child run: requests, the rehearsal as the one model, and a child around it."""

from __future__ import annotations

import contextlib
import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from celery import Celery

from tasks.catalog import ModelEntry
from workers.adapters.rehearsal import Rehearsal
from workers.child.models.base import LoadedModel, SlotModels
from workers.child.models.lifecycle import Lifecycle
from workers.child.process import ChildState
from workers.wire.call import Call
from workers.wire.link import ChildEnd
from workers.wire.page import Page
from workers.wire.spec import SlotSpec
from workers.wire.work_line import ModelEnd

MODEL = "model"


def entry(**more: Any) -> ModelEntry:
    """The rehearsal's table."""
    return ModelEntry.model_validate({"name": MODEL, "adapter": "rehearsal", "voice": "vi", **more})


@dataclass
class OneRehearsal:
    """`SlotModels` of one rehearsal that notes the texts of each of its runs."""

    entry: ModelEntry = field(default_factory=entry)
    runs: list[list[str]] = field(default_factory=list)
    fails: dict[str | None, Exception] = field(default_factory=dict)
    """Variant -> what its load raises."""
    offer: None = None
    calls: list[str] = field(default_factory=list)
    """What the child asked for beside batches."""

    @contextlib.contextmanager
    def use(self, variant: str | None) -> Iterator[LoadedModel]:
        if variant in self.fails:
            raise self.fails[variant]
        adapter: Any = Rehearsal(self.entry, "cpu")  # a loaded model may be of any craft
        genuine = adapter.run

        def noted(items: Any) -> Any:
            self.runs.append([item.text for item in items])
            return genuine(items)

        adapter.run = noted
        yield LoadedModel(self.entry, adapter, adapter.load(), 0.0)

    def fetch(self, variant: str | None) -> LoadedModel:
        with self.use(variant) as model:
            return model

    def load(self) -> float:
        self.calls.append("load")
        if None in self.fails:
            raise self.fails[None]
        return 0.5

    def unload(self) -> None:
        self.calls.append("unload")

    def tidy(self) -> float | None:
        self.calls.append("tidy")
        return 7.0

    def status(self) -> dict[str, Any]:
        return {"load_s": 0.5}


def call(text: str, task_id: str = "", tag: str = "", **fields: Any) -> Call:
    """A request for one text, or with `job` and `part` for a part."""
    task_id = task_id or uuid.uuid4().hex
    kwargs = fields if "job" in fields else {"text": text, "model": MODEL, **fields}
    properties = {"delivery_tag": tag or task_id, "correlation_id": task_id}
    headers = {"id": task_id, "delivery_info": {"routing_key": MODEL, "priority": 0}, "properties": properties}
    return Call("speech.paragraph", task_id, headers, json.dumps([[], kwargs, {}]), "application/json", "utf-8")


def child_with(models: SlotModels, link: ChildEnd, line: ModelEnd | None = None, **spec: Any) -> ChildState:
    """A child on the CPU, whose states nobody hears; without `line` it has no sidecar."""
    no_line: Any = line
    return ChildState(
        Celery("unused", set_as_current=False),
        SlotSpec(models.entry, "cpu", "w", 1, 3, **spec),
        link,
        no_line,
        Page(),
        Lifecycle(),
        models,
    )
