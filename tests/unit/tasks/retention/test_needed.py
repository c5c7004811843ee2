"""What an open job needs is what its record names."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

from tasks.flow.ledger import Ledger
from tasks.kinds.map import MapKind
from tasks.messages import MapRequest
from tasks.offers import Offers
from tasks.redis import keys
from tasks.retention.needed import needed
from tests.fixtures.environment import UseCatalog
from tests.unit.tasks.flow.ledger.opened_jobs import FLOW, OPENING, opened


def test_an_open_job_needs_what_its_parts_made_until_it_ends(ledger: Ledger) -> None:
    name = "speech/ab/" + "1" * 64
    job = opened(ledger, 2)
    ledger.transitions.settle(job, 1, "done", {"audio": {"artifact": f"{name}.wav"}})
    assert needed(ledger) == {name.encode()}
    ledger.transitions.settle(job, 2, "failed", {"error": {}})
    ledger.transitions.end(job, "chapter", "FAILURE", None, None)
    assert needed(ledger) == set()


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


def test_payloads_and_parameters_are_searched_where_the_job_says_that_they_name_artifacts(ledger: Ledger) -> None:
    block, sound = "sound16k/ab/" + "1" * 64, "sound/ab/" + "2" * 64
    names = replace(OPENING, params={"audio": f"{sound}.mp3"}, payloads=[f'F1\n{{"sounds":["{block}.wav"]}}'])
    ledger.transitions.open("film", replace(names, names_artifacts=True))
    assert needed(ledger) == {block.encode(), sound.encode()}


def test_the_files_that_inputs_of_any_model_name_are_needed_while_their_job_is_open(
    ledger: Ledger, raw_redis: Any, use_catalog: UseCatalog
) -> None:
    use_catalog('[models.any]\nadapter = "rehearsal"\ngives = "answer"\n')
    files = ["file/ab/" + digit * 64 for digit in "123"]
    inputs = [{"input": {"image": f"{files[0]}.bin"}}, {"input": [f"{files[1]}.png", None]}]
    offers: Any = Offers(raw_redis)
    plan = MapKind().plan(MapRequest.parse({"model": "any", "inputs": inputs}), offers, is_part=False)
    ledger.transitions.open("map", replace(OPENING, payloads=plan.payloads, names_artifacts=plan.names_artifacts))
    assert needed(ledger) == {files[0].encode(), files[1].encode()}
    later = {"body": f'[[],{{"input":"{files[2]}.bin"}},{{}}]'.replace("/", "\\/"), "properties": {}}
    raw_redis.zadd(keys.DELAYED, {f"any\n{json.dumps(later)}": 9e15})
    assert needed(ledger) == {name.encode() for name in files}, "some languages escape a slash"
