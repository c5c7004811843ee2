"""What a model's own code raises for one input becomes that input's outcome, and no other's."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import NoReturn

import pytest

from tasks.errors import InvalidInput, ModelError, OutOfMemory
from workers.adapters.base import Cancelled
from workers.adapters.model_boundary import outcome_of


def raising(error: Exception) -> Callable[[], NoReturn]:
    def compute() -> NoReturn:
        raise error

    return compute


def test_what_is_made_is_the_outcome() -> None:
    assert outcome_of(lambda: "sound", "Tried", "a text", "cpu") == "sound"


@pytest.mark.parametrize("error", [InvalidInput("text: is empty"), Cancelled()])
def test_errors_that_name_the_input_are_returned_and_hold_no_frames(error: Exception) -> None:
    outcome = outcome_of(raising(error), "Tried", "a text", "cpu")
    assert outcome is error
    assert error.__traceback__ is None


def test_memory_that_ran_out_is_returned_as_such() -> None:
    outcome = outcome_of(raising(MemoryError()), "Tried", "a text", "cpu")
    assert isinstance(outcome, OutOfMemory)
    assert str(outcome) == "the host's memory ran out while computing"


def test_any_other_error_names_the_model_and_is_logged_with_the_texts_beginning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.ERROR):
        outcome = outcome_of(raising(IndexError("index 3 is out of\nbounds")), "Tried", "a text " * 20, "cpu")
    assert isinstance(outcome, ModelError)
    assert str(outcome) == "text: Tried failed on it: IndexError: index 3 is out of bounds"
    assert caplog.messages == [f"Tried failed on «{('a text ' * 20)[:40]}»"]


def test_a_broken_cuda_context_is_raised_because_nothing_runs_after_it() -> None:
    with pytest.raises(RuntimeError, match="CUDA error"):
        outcome_of(raising(RuntimeError("CUDA error: an illegal memory access was encountered")), "Tried", "", "cuda:0")
