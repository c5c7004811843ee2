"""What is said of inputs at fault, and of outputs that are no numbers."""

from __future__ import annotations

import pytest

from tests.unit.workers.conformance.checked import check_faults, entry_of, here, lines_of, wrong
from workers.conformance.step import Mark

FAULTS: dict[str, dict[str, str | None]] = {
    "Raises": {"bad input in a batch": "«😀»: run raised KeyError: '😀' (broken.py line"},
    "Sloppy": {"bad input": "KeyError: 'no-such-voice' (broken.py line"},
    "NotANumber": {"no NaN": "has samples: nan; return an error"},
    "LaxAnswers": {"bad input": "was computed; raise InvalidInput for it"},
    "NanAnswers": {"no NaN": "has output.scores.1: nan; return an error"},
}


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("adapter", FAULTS)
def test_each_fault_with_inputs_has_its_line(adapter: str) -> None:
    check_faults(adapter, FAULTS[adapter])


@pytest.mark.usefixtures("installed")
def test_an_adapter_for_any_model_is_tried_with_what_its_input_model_forbids() -> None:
    lines = lines_of(here(entry_of("Answers")), entry_of("Answers"))
    assert not wrong(lines)
    # Of both examples: each field missing, an unknown one, three wrong types, a number below and above its bounds and
    # NaN, a file that is not there and one that is too long.
    assert lines["bad input"].words.startswith("21 refused")
    assert lines["bad input in a batch"].mark is Mark.RIGHT


@pytest.mark.usefixtures("installed")
def test_an_adapter_that_never_asks_is_told_how_its_batches_are_cancelled() -> None:
    line = lines_of(here(entry_of("Answers")), entry_of("Answers"))["cancel"]
    assert line.mark is Mark.LEFT_OUT
    assert line.words == "run never asks `is_cancelled`: to stop a cancelled batch its process is killed"
