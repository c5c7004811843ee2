"""The options of `slotline up`; the stack itself is tested in `tests/unit/workers/stack/test_local_stack.py`."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from tasks.errors import InvalidInput
from workers.commands.up import _how_to_use, models_of, up


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ((), {"espeak": 3}),
        (("a",), {"a": 1}),
        (("a=2", "b"), {"a": 2, "b": 1}),
        (("a=2", "a"), {"a": 3}),
    ],
)
def test_models_are_given_by_name_and_slots(given: tuple[str, ...], wanted: dict[str, int]) -> None:
    assert models_of(given, 3) == wanted


@pytest.mark.parametrize("word", ["", "=2", "a=0", "a=x", "a=12345"])
def test_what_is_no_name_and_no_slots_is_refused(word: str) -> None:
    with pytest.raises(InvalidInput, match="is no NAME or NAME=SLOTS"):
        models_of((word,), 3)


def test_a_broker_that_is_no_redis_is_refused_without_its_password() -> None:
    result = CliRunner().invoke(up, ["--broker", "amqp://me:secret@here", "--model", "espeak"])
    assert isinstance(result.exception, InvalidInput)
    assert "--broker: amqp://me:**@here" in str(result.exception)


@pytest.mark.parametrize(
    ("is_found", "running_here", "words"),
    [
        (True, 1, "Your commands find it from any terminal:"),
        (True, 2, "2 stacks run here, so a command needs the address"),
        (False, 0, "Use it from another terminal:"),
    ],
)
def test_it_says_who_finds_the_stack(is_found: bool, running_here: int, words: str) -> None:
    assert _how_to_use(is_found, running_here)[0].startswith(words)
