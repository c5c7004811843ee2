"""How a child stands, as JSON: all that is counted, and never an error."""

from __future__ import annotations

import json
import os
from typing import Any

from tests.unit.workers.child.rehearsals import MODEL, OneRehearsal, child_with
from workers.child.status import status
from workers.wire.link import pair


def test_the_status_names_the_state_the_counts_the_memory_and_what_the_models_say() -> None:
    theirs, ours = pair()
    child = child_with(OneRehearsal(), ours)
    child.counts.add(2, 1)
    child.limit.last = 4
    found = status(child)
    assert (found["pid"], found["model"], found["state"], found["is_loading"]) == (
        os.getpid(),
        MODEL,
        "unloaded",
        False,
    )
    assert (found["batches"], found["jobs"], found["failures"], found["last_batch"]) == (1, 2, 1, 2)
    assert (found["largest_batch"], found["largest_fit"], found["load_s"]) == (2, 4, 0.5)
    assert found["rss_bytes"] > 1_000_000
    assert json.loads(json.dumps(found)) == found
    ours.close()
    theirs.close()


def test_a_status_that_a_library_breaks_is_answered_in_part() -> None:
    class Broken(OneRehearsal):
        def status(self) -> dict[str, Any]:
            raise RuntimeError("CUDA error: device-side assert triggered")

    theirs, ours = pair()
    assert set(status(child_with(Broken(), ours))) == {"pid", "state", "since"}
    ours.close()
    theirs.close()
