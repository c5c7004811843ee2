"""Files that inputs name are looked for before anything is sent."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from producer.inference.files import put
from producer.inference.named_files import LOOKS_AT_ONCE, check_files
from tasks.errors import InvalidInput
from tasks.messages.infer import InferRequest
from tasks.offers import Published
from tasks.store.artifacts import Store
from tests.unit.producer.messages import SCHEMA

OFFER = Published("ask", "own", "1", 0, craft="infer", input_schema=json.dumps(SCHEMA))
MISSING = f"file/ab/{'ab' * 32}.bin"


def request(**fields: Any) -> InferRequest:
    return InferRequest.parse({"model": "ask", "input": fields})


def test_what_is_in_the_store_and_small_enough_passes(store: Store) -> None:
    names = [put(store, str(number).encode()) for number in range(LOOKS_AT_ONCE + 1)]
    check_files(store, [request(image=name, more=names) for name in names], OFFER)


def test_a_file_that_is_stored_next_need_not_be_there(store: Store) -> None:
    check_files(store, [request(image=MISSING)], OFFER, {MISSING: 10})
    with pytest.raises(InvalidInput, match="^input.image: a file of 11 B; at most 10 B$"):
        check_files(store, [request(image=MISSING)], OFFER, {MISSING: 11})


def test_the_first_wrong_file_is_named_by_its_field_and_its_input(store: Store) -> None:
    small, large = put(store, b"small"), put(store, b"more than ten bytes")
    wrong: dict[str, dict[str, Any]] = {
        f"input.image: {MISSING} is not in the store {store.place}; store the file with Client.put, or": {
            "image": MISSING
        },
        "input.image: a file of 19 B; at most 10 B": {"image": large},
        "input.image: 'x.png' is not the name of a file in the store; store the file with": {"image": "x.png"},
        f"input.more.1: {MISSING} is not in the store": {"image": small, "more": [large, MISSING]},
    }
    for words, fields in wrong.items():
        with pytest.raises(InvalidInput, match=f"^{re.escape(words)}"):
            check_files(store, [request(**fields)], OFFER)
        with pytest.raises(InvalidInput, match=f"^input 2: {re.escape(words)}"):
            check_files(store, [request(image=small), request(**fields)], OFFER, is_numbered=True)


def test_nothing_is_looked_for_where_no_schema_says_what_a_file_is(store: Store) -> None:
    check_files(store, [request(image=MISSING)], None)
    check_files(store, [request(image=MISSING)], Published("ask", "own", "1", 0, craft="infer"))
