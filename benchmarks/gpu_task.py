"""One task for the GPU check: the slot's own model on so many copies of a text. Imported by slot workers alone."""

from __future__ import annotations

from typing import cast

from tasks.app import app
from workers import child
from workers.adapters.base import Adapter, TextInput, Written

NAME = "bench.texts"
TEXT = "The sea was calm, and the boat lay still upon it. " * 40


@app.task(name=NAME)
def texts(count: int) -> int:
    """Run the model of this process on `count` texts at once; how many came out."""
    found = child._child
    if found is None or found.models is None:
        raise RuntimeError("no model belongs to this process")
    with found.models.use(None) as model:
        writer = cast("Adapter[TextInput, Written]", model.adapter)
        outcomes = writer.run([TextInput(TEXT, max_length=64, min_length=64)] * count)
    for outcome in outcomes:
        if isinstance(outcome, Exception):
            raise outcome
    return len(outcomes)
