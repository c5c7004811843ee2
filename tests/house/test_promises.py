"""Each promise in docs/promises.md names tests that are there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NAMED = re.compile(r"`(tests/[\w/]+\.py)?::(test_\w+)`")


def test_every_promise_names_a_test_that_exists() -> None:
    rows = [line for line in (ROOT / "docs" / "promises.md").read_text().splitlines() if "`tests/" in line]
    assert len(rows) > 10
    for row in rows:
        file = ""
        for found in NAMED.finditer(row):
            file = found[1] or file
            assert f"def {found[2]}(" in (ROOT / file).read_text(), f"{file} has no {found[2]}"
