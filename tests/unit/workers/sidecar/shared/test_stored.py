"""What was stored lately: known with its time, and no more than can be needed."""

from __future__ import annotations

from tasks.store.names import Artifact
from workers.sidecar.shared import stored
from workers.sidecar.shared.stored import Stored


def made(name: str) -> Artifact:
    return Artifact(name, 1, "")


def test_only_what_was_stored_since_then_is_named() -> None:
    known = Stored()
    known.add(made("old"), 1.0)
    known.add(made("new"), 2.0)
    assert known.since(["old", "new", "never"], 2.0) == {"new": made("new")}


def test_the_oldest_is_forgotten() -> None:
    known = Stored()
    for number in range(stored.REMEMBERED + 1):
        known.add(made(str(number)), 1.0)
    assert set(known.since(["0", "1"], 0.0)) == {"1"}
