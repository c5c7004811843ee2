"""How outcomes wait for the tasks' bodies, and what any failure is in the one error tree."""

from __future__ import annotations

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


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (InvalidInput("text: is empty"), InvalidInput, "text: is empty"),
        (MemoryError(), OutOfMemory, "memory ran out"),
        (MemoryError("8 GB"), OutOfMemory, "memory ran out: 8 GB"),
        (KeyError("x"), ModelError, "KeyError: 'x'"),
    ],
)
def test_any_failure_keeps_its_words(error: Exception, kind: type[SlotlineError], words: str) -> None:
    made = as_slotline_error(error)
    assert (type(made), str(made)) == (kind, words)
