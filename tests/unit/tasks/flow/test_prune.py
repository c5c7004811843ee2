"""Retention: what is old goes, unless an open job names it."""

from __future__ import annotations

import base64
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tasks.flow.ledger import Ledger
from tasks.flow.prune import needed, prune
from tasks.redis import keys
from tasks.store.artifacts import Store
from tests.unit.tasks.flow.ledger.opened_jobs import FLOW, OPENING, opened


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "store"))


def test_what_is_old_is_removed_and_what_is_fresh_is_kept(store: Store, ledger: Ledger) -> None:
    name = store.put_text("old")
    assert prune(store, ledger, 3600, time.time()).files == 0
    done = prune(store, ledger, 3600, time.time() + 7200)
    assert (done.files > 0, done.bytes > 0, done.kept) == (True, True, 0)
    assert store.find(name) is None


def test_a_dry_run_counts_and_removes_nothing(store: Store, ledger: Ledger) -> None:
    name = store.put_text("old")
    assert prune(store, ledger, 0, time.time() + 60, dry_run=True).files > 0
    assert store.find(name) is not None


def test_an_open_job_keeps_what_its_parts_made_until_it_ends(store: Store, ledger: Ledger) -> None:
    name = store.put_text("made by part 1")
    job = opened(ledger, 2)
    ledger.transitions.settle(job, 1, "done", {"audio": {"artifact": name}})
    done = prune(store, ledger, 0, time.time() + 60)
    assert (done.files, done.kept > 0) == (0, True)
    ledger.transitions.settle(job, 2, "failed", {"error": {}})
    ledger.transitions.end(job, "chapter", "FAILURE", None, None)
    assert prune(store, ledger, 0, time.time() + 60).files > 0


def test_what_a_delayed_message_names_is_needed(ledger: Ledger, raw_redis: Any) -> None:
    names = ["text/ab/" + digit * 64 for digit in "123"]
    plain = {"body": json.dumps([[], {"text_ref": names[0]}, {}]), "properties": {}}
    celerys = {"body": base64.b64encode(names[1].encode()).decode(), "properties": {"body_encoding": "base64"}}
    entries = [json.dumps(plain), json.dumps(celerys), f"no JSON: {names[2]}"]
    raw_redis.zadd(keys.DELAYED, {f"flow\n{entry}": 9e15 for entry in entries})
    assert needed(ledger) == {name.encode() for name in names}


def test_the_texts_of_parts_that_are_jobs_are_needed_and_a_parts_own_text_is_not_searched(ledger: Ledger) -> None:
    named, other = "text/ab/" + "1" * 64, "text/ab/" + "2" * 64
    nested = replace(OPENING, part_queue=FLOW, part_list=FLOW)
    ledger.transitions.open("nested", replace(nested, payloads=[f'CI\n{{"text_ref":"{named}.txt"}}']))
    ledger.transitions.open("flat", replace(OPENING, payloads=[f"P{other}"]))
    assert needed(ledger) == {named.encode()}
