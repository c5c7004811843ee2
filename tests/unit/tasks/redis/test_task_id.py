"""Which ids a task may have."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import InvalidInput
from tasks.redis import keys
from tasks.redis.task_id import LONGEST_BYTES, check, digest_of, fault_of


@pytest.mark.parametrize(
    "task_id", ['quote "', "back\\slash", "tab\t", "line\nend", "nul\0", "Chí Phèo", "a:b", "*", "."]
)
def test_almost_any_text_is_taken(task_id: str) -> None:
    assert fault_of(task_id) == ""
    check(task_id)


@pytest.mark.parametrize(
    ("task_id", "why"),
    [
        (None, "id: is NoneType, and must be text"),
        (5, "id: is int, and must be text"),
        (["a"], "id: is list, and must be text"),
        ("", "id: is empty"),
        ("\ud800", "id: has half of a surrogate pair, which no key in Redis can have"),
        ("ế" * 171, "id: has 513 bytes; it may have 512"),
        ("chapter:parts", "id: ends in ':parts', as a key of another job does"),
    ],
)
def test_what_cannot_be_taken_is_refused_in_words(task_id: object, why: str) -> None:
    assert fault_of(task_id) == why
    with pytest.raises(InvalidInput, match="^id: "):
        check(task_id)


def test_the_part_of_the_longest_job_has_an_id_too() -> None:
    longest = "x" * LONGEST_BYTES
    assert fault_of(f"{longest}.100000.17") == ""
    assert fault_of("1." * LONGEST_BYTES)


@given(st.text(max_size=20) | st.sampled_from(keys.ROOMS).map(lambda room: f"job:{room}"), st.text(max_size=20))
def test_two_ids_that_are_taken_never_share_a_key(one: str, other: str) -> None:
    def keys_of(job: str) -> set[str]:
        return {keys.job(job), *(f"{keys.job(job)}:{room}" for room in keys.ROOMS)}

    if one != other and not fault_of(one) and not fault_of(other):
        assert not keys_of(one) & keys_of(other)


def test_two_requests_are_the_same_if_they_ask_for_the_same() -> None:
    one = digest_of("speech.paragraph", {"text": "One.", "speed": 1.5})
    assert one == digest_of("speech.paragraph", {"speed": 1.5, "text": "One.", "voice": None, "words": "One"})
    others = [("speech.chapter", {"text": "One.", "speed": 1.5}), ("speech.paragraph", {"text": "Two.", "speed": 1.5})]
    assert one not in [digest_of(task, fields) for task, fields in others]
    assert digest_of("any", {"\ud800": ["\ud800"]}), "any JSON has one"
