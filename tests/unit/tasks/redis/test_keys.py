"""Every key on one page: no key that a script writes by itself is missing there, and none stands twice."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import pytest

from tasks.redis import keys

ROOT = Path(__file__).resolve().parents[4]
LITERAL = re.compile(r"'(slotline:[a-z:]*)'")
"""A key, or the beginning of one, in a script's code; its comments have none in quotes."""


def all_keys() -> dict[str, str]:
    """Each constant and function of `keys`, as a key; arguments are `x`."""
    constants = {name: value for name, value in vars(keys).items() if name.isupper() and isinstance(value, str)}
    found = {name: value for name, value in constants.items() if name != "PREFIX"}
    for name, function in inspect.getmembers(keys, inspect.isfunction):
        if name == "literal":
            continue
        found[name] = function(*["x"] * len(inspect.signature(function).parameters))
    return found


def test_no_two_names_are_the_same_key() -> None:
    assert len(set(all_keys().values())) == len(all_keys())


SCRIPTS = sorted(ROOT.glob("tasks/**/lua/*.lua")) + sorted(ROOT.glob("workers/**/lua/*.lua"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_a_script_names_by_itself_is_a_key_of_the_page(script: Path) -> None:
    known = all_keys().values()
    for literal in LITERAL.findall(script.read_text()):
        begins = {literal + "x", literal + "x:x"} if literal.endswith(":") else {literal}
        assert begins & set(known), f"{script.name} names {literal}"


def test_there_are_scripts_that_name_keys() -> None:
    assert any(LITERAL.search(script.read_text()) for script in SCRIPTS)


def test_the_keys_of_a_job_end_in_the_words_that_no_id_may_end_in() -> None:
    of_jobs = [key for key in all_keys().values() if key.startswith("slotline:job:x:")]
    assert sorted(key.rpartition(":")[2] for key in of_jobs) == sorted(keys.ROOMS)


@pytest.mark.parametrize("text", ["a*b", "a?b", "[a-b]", "back\\slash", "^", "plain", 'quote "\n'])
def test_a_literal_matches_itself_alone(raw_redis: Any, text: str) -> None:
    for one in (text, "axb", "a", text + "x"):
        raw_redis.set(one, "")
    assert [raw.decode() for raw in raw_redis.keys(keys.literal(text))] == [text]
