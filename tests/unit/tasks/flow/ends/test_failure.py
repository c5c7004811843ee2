"""What the ledger keeps of an error, and which jobs may be tried again as a whole."""

from __future__ import annotations

import pytest

from tasks.errors import InvalidInput, OutOfMemory, PartsFailed, SlotlineError, StoreError, UnknownVoice, WorkerLost
from tasks.flow.ends.failure import error_fields, may_be_tried_again


def test_an_error_is_kept_by_its_class_and_its_words() -> None:
    assert error_fields(StoreError("full")) == {"type": "StoreError", "message": "full"}


@pytest.mark.parametrize(
    ("error", "may"),
    [
        (WorkerLost("died"), True),
        (StoreError("full"), True),
        (OutOfMemory("memory ran out"), True),
        (SlotlineError("KeyError: 'voice'"), True),
        (InvalidInput("voice: none"), False),
        (UnknownVoice("voice: none"), False),
        (PartsFailed("1 of 2"), False),
    ],
)
def test_a_bad_request_and_failed_parts_are_not_tried_again_as_a_whole(error: SlotlineError, may: bool) -> None:
    assert may_be_tried_again(error) is may
