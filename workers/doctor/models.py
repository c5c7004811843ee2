"""Findings about the models of the catalog: whether their tables, files and packages are in order. Loads none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from workers.doctor.finding import Finding, fine, note, wrong
from workers.slots.fitting import Fit


class ModelRow(Protocol):
    """What `slotline model list` knows of one table (`workers/commands/model_rows.py`)."""

    @property
    def name(self) -> str: ...
    @property
    def why(self) -> str: ...
    @property
    def install(self) -> str: ...
    @property
    def is_in_order(self) -> bool: ...
    @property
    def fit(self) -> Fit: ...


def of_models(rows: Iterable[ModelRow], source: str, is_chosen: bool) -> Iterator[Finding]:
    """A line for each model of the catalog `source`.

    `is_chosen`: somebody has written this catalog. In the one that comes with slotline, what is not installed is no
    fault.
    """
    yield fine("catalog", source if is_chosen else f"{source}, which comes with slotline")
    for row in rows:
        faults = [part for part in ("" if row.is_in_order else row.why, row.install, _unfit(row)) if part]
        if faults:
            yield (wrong if is_chosen else note)("model", f"{row.name}: {'; '.join(dict.fromkeys(faults))}")
        else:
            where = "a GPU" if row.fit.device == "cuda" else "the CPU"
            yield fine("model", f"{row.name}: files and packages are there; it runs on {where}")


def _unfit(row: ModelRow) -> str:
    """Why it has no device here: MODEL_DEVICE asks for another than it has, for example."""
    return "" if row.fit.device else row.fit.why
