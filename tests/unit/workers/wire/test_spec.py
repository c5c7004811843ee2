"""How long a batch may take on a slot."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.catalog import parse
from workers.wire.spec import SlotSpec


@pytest.mark.parametrize(
    ("path", "limit_s"),
    [("", 20.0), ('path = "voices/{id}"', 20.0 + 3 * 5.0)],
    ids=["one model", "a small model for each input"],
)
def test_a_batch_has_its_models_time_and_that_of_the_loads_it_may_cause(path: str, limit_s: float) -> None:
    table = f'[models.m]\nadapter = "viettts"\ntime_limit_s = 20\nload_limit_s = 5\n{path}'
    entry = parse(table, "here", Path())["m"]
    assert SlotSpec(entry, "cpu", "m-cpu-0@here", 4, load_attempts=3).limit_s(3) == limit_s
