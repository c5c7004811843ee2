"""`slotline failed`, `retry` and `prune` without workers; what they mend is in `tests/unit/tasks/flow`."""

from __future__ import annotations

import os
import re
import time
from dataclasses import replace
from pathlib import Path

import pytest

from producer import Client
from tasks.retention import state
from tasks.store.artifacts import name_of
from tests.fixtures.commands import Slotline
from tests.unit.tasks.flow.ledger.opened_jobs import OPENING

ERROR = {"error": {"type": "ModelError", "message": "it broke", "attempt": 3, "traceback": "in model.py"}}


@pytest.fixture
def client(broker: str, catalog_file: Path) -> Client:
    return Client()


def fail_one_part(client: Client, job_id: str) -> None:
    client.ledger.transitions.open(job_id, replace(OPENING, payloads=["PSome words."], width=1))
    client.ledger.transitions.settle(job_id, 1, "failed", ERROR)


def test_where_nothing_failed_it_says_so(client: Client, slotline: Slotline) -> None:
    assert slotline("failed").out == "nothing has failed\n"


def test_a_failed_part_is_listed_with_its_reason_and_tried_again(client: Client, slotline: Slotline) -> None:
    fail_one_part(client, "job")
    said = slotline("failed")
    assert "job.1" in said.out
    assert "ModelError: it broke" in said.out
    assert "in model.py" not in said.out
    assert "in model.py" in slotline("failed", "--traceback").out
    assert slotline("retry", "job.1").out == "1 sent again; follow it: slotline watch job\n"
    assert slotline("failed").out == "nothing has failed\n"


def test_what_retry_says_to_type_is_safe_to_paste(client: Client, slotline: Slotline) -> None:
    fail_one_part(client, "-a $(b)")
    assert slotline("retry", "--", "-a $(b).1").out == "1 sent again; follow it: slotline watch -- '-a $(b)'\n"


def test_retry_takes_an_id_or_everything_and_not_both(client: Client, slotline: Slotline) -> None:
    for wrong in (["retry"], ["retry", "job", "--all"]):
        said = slotline(*wrong)
        assert (said.status, said.err) == (2, "slotline: ID: give what is to be tried again, or --all\n")
    fail_one_part(client, "job")
    assert slotline("retry", "--all").out == "1 sent again\n"


def test_retry_of_a_set_aside_message_names_nothing_to_watch(client: Client, slotline: Slotline) -> None:
    client.ledger.set_asides.add("quick", "cannot be read", '{"body": "?"}')
    [name] = re.findall(r"message-\w+", slotline("failed").out)
    assert slotline("retry", name).out == "1 sent again\n"


def test_prune_says_what_it_removed_and_what_a_flow_worker_did(client: Client, slotline: Slotline) -> None:
    client.store.put_text("Some words that no job needs.")
    state.save(client.connection.redis, state.State(last=state.Ended(time.time() - 70, 3, 2_000_000, 4, 5, 0)))
    said = slotline("prune", "--older-than", "0", "--dry-run")
    assert said.status == 0
    assert said.out.startswith("1 artifact, 0.0 MB would be removed from ")
    assert "; 0 artifacts, 0.0 MB stay\n" in said.out
    assert said.out.endswith("a flow worker removed 3 artifacts, 2.0 MB in its last round, 1:10 min ago\n")
    assert "1 artifact, 0.0 MB removed from " in slotline("prune", "--older-than", "0").out
    assert "0 artifacts, 0.0 MB removed from " in slotline("prune").out


def test_prune_keeps_the_latest_used_of_a_store_that_is_too_large(client: Client, slotline: Slotline) -> None:
    for number in range(2):
        name = name_of("speech", "wav", {"number": number})
        client.store.put_bytes(name, b"x" * 1000)
        for path in (Path(client.store.place) / name).parent.iterdir():
            os.utime(path, (time.time() - 3600 * (9 - number),) * 2)
    assert "1 artifact, 0.0 MB removed from " in slotline("prune", "--max-gb", "0.0000015").out
    assert client.store.find(name) is not None
