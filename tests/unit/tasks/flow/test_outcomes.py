"""How outcomes wait for the tasks' bodies, and what any failure is in the one error tree."""

from __future__ import annotations

import pickle

import pytest

from tasks.errors import InvalidInput, ModelError, OutOfMemory, SlotlineError
from tasks.flow import outcomes
from tasks.flow.outcomes import Dropped, Waiting, as_slotline_error


def test_outcomes_of_one_id_are_taken_in_the_order_in_which_they_were_left() -> None:
    outcomes.clear()
    outcomes.put("twice", Dropped())
    outcomes.put("twice", Waiting())
    assert [outcomes.take("twice") for _ in range(3)] == [Dropped(), Waiting(), None]


def test_what_no_body_took_is_forgotten() -> None:
    outcomes.put("left", Dropped())
    outcomes.clear()
    assert outcomes.take("left") is None


class Speechless(Exception):
    """An error whose own words fail."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (InvalidInput("text: is empty"), InvalidInput, "text: is empty"),
        (MemoryError(), OutOfMemory, "memory ran out"),
        (MemoryError("8 GB"), OutOfMemory, "memory ran out: 8 GB"),
        (KeyError("x"), ModelError, "KeyError: 'x'"),
        (ValueError(), ModelError, "ValueError"),
        (ValueError("a\n  b\x1b[31m\ud800"), ModelError, r"ValueError: a b\x1b[31m\ud800"),
        (InvalidInput("text:\n is empty\x07"), InvalidInput, r"text: is empty\x07"),
        (Speechless(), ModelError, "Speechless: it cannot say what is wrong"),
    ],
)
def test_any_failure_keeps_its_words(error: Exception, kind: type[SlotlineError], words: str) -> None:
    made = as_slotline_error(error)
    assert (type(made), str(made)) == (kind, words)


@pytest.mark.parametrize(
    "error", [ValueError("x" * 1_000_000), ModelError("x" * 1_000_000), MemoryError("x\n" * 9_999)]
)
def test_an_error_of_a_million_letters_is_a_line_that_can_be_read(error: Exception) -> None:
    assert 900 < len(str(as_slotline_error(error))) < 1100


class Busy(ModelError):
    """An adapter's own error, which takes more than a message."""

    retryable = True

    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"{first}\n{second}")


def test_an_error_of_ones_own_that_may_be_tried_again_still_may_when_its_words_are_made_one_line() -> None:
    made = pickle.loads(pickle.dumps(as_slotline_error(Busy("the chip", "is busy"))))
    assert (type(made), str(made), made.retryable) == (ModelError, "the chip is busy", True)
