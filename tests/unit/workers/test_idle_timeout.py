"""Who says after how much idle time a model is unloaded, and which of them counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.catalog import parse
from workers.idle_timeout import NEVER, IdleTimeout, idle_timeout

BY_VARIABLE, BY_TABLE, BY_ADAPTER = "MODEL_UNLOAD_TIMEOUT", "idle_timeout_minutes", "adapter kokoro"


@pytest.mark.parametrize(
    ("set_s", "table", "adapter_s", "found"),
    [
        (None, "", 0.0, NEVER),
        (None, "", 300.0, IdleTimeout(300.0, BY_ADAPTER)),
        (None, "idle_timeout_minutes = 2", 300.0, IdleTimeout(120.0, BY_TABLE)),
        (None, "idle_timeout_minutes = 0", 300.0, IdleTimeout(0.0, BY_TABLE)),
        (90.0, "idle_timeout_minutes = 2", 300.0, IdleTimeout(90.0, BY_VARIABLE)),
        (0.0, "idle_timeout_minutes = 2", 300.0, IdleTimeout(0.0, BY_VARIABLE)),
        (None, 'path = "voices/{id}"', 300.0, IdleTimeout(300.0, BY_ADAPTER)),
        (None, 'path = "voices/{id}"\nidle_timeout_minutes = 2', 300.0, NEVER),
        (90.0, 'path = "voices/{id}"\nidle_timeout_minutes = 2', 300.0, IdleTimeout(90.0, BY_VARIABLE)),
    ],
    ids=[
        "nobody says",
        "the adapter alone",
        "the table before the adapter",
        "a table that says never",
        "the variable before the table",
        "a variable that says never",
        "the adapter of many small models",
        "a table that says it for each small model",
        "the variable for the whole slot of small models",
    ],
)
def test_the_variable_counts_before_the_table_and_the_table_before_the_adapter(
    set_s: float | None, table: str, adapter_s: float, found: IdleTimeout
) -> None:
    entry = parse(f'[models.m]\nadapter = "kokoro"\n{table}', "here", Path())["m"]
    assert idle_timeout(entry, adapter_s, set_s) == found
