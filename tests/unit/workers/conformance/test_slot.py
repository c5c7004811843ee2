"""The two instances together."""

from __future__ import annotations

import os

import pytest

from tests.unit.workers.conformance.checked import apart, entry_of, here
from workers.conformance.example import example_of
from workers.conformance.failure import CallFailed
from workers.conformance.process import Process
from workers.conformance.side import Lost

GIVEN = example_of({"text": "one two"}, "tried")


def test_an_input_goes_from_one_to_the_other_and_back(installed: object) -> None:
    slot = here(entry_of("Right"))
    slot.find()
    slot.make()
    slot.attach(slot.load().offer)
    assert slot.compute(GIVEN).seen["text"] == "ONE TWO"
    with pytest.raises(CallFailed):
        slot.compute(example_of({"text": ""}, "tried"))


def test_what_was_lost_is_there_again_at_the_next_call(installed: object) -> None:
    slot, sides = apart(entry_of("Right"))
    try:
        slot.find()
        slot.make()
        slot.attach(slot.load().offer)
        for side in sides:
            assert isinstance(side, Process)
            assert side._process is not None
            os.kill(side._process.pid, 9)
            with pytest.raises(Lost):
                slot.compute(GIVEN)
            assert slot.compute(GIVEN).seen["text"] == "ONE TWO"
    finally:
        slot.end()
