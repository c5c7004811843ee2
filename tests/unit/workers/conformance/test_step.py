"""What the steps share."""

from __future__ import annotations

import pytest

from tests.unit.workers.conformance.checked import entry_of, here
from workers.conformance.example import Inputs, example_of
from workers.conformance.looks import Output
from workers.conformance.step import Checking, LeftOut, megabytes


def test_only_the_inputs_that_could_be_computed_are_used() -> None:
    good = (example_of({"text": "a"}, "m"), example_of({"text": "b"}, "m"))
    checking = Checking(entry_of("espeak"), here(entry_of("espeak")), inputs=Inputs(good))
    with pytest.raises(LeftOut, match="no example could be computed"):
        checking.computed()
    checking.outputs[1] = Output("b")
    assert checking.computed() == [(1, good[1], Output("b"))]


def test_memory_is_said_in_megabytes() -> None:
    assert megabytes(1_234_500_000) == "1,234 MB"
