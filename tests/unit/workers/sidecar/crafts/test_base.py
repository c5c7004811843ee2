"""A craft that says as little as it can: one model for all, each request as it came."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tasks.catalog import ModelEntry
from tasks.messages.speech import SPEECH
from tasks.store.names import JSON
from tests.unit.workers.adapters.asked import to_speak
from workers.adapters.rehearsal import Rehearsal
from workers.sidecar.crafts.base import KnownModel, SlotCraft


class Plain(SlotCraft[Any, str]):
    craft = SPEECH
    extension = "txt"

    def encode(self, made: str) -> tuple[bytes, Mapping[str, JSON]]:
        return made.encode(), {}


def test_a_request_goes_to_the_one_model_of_the_slot_as_it_came() -> None:
    entry = ModelEntry(name="m", adapter="rehearsal", voice="vi")
    adapter: Any = Rehearsal(entry, "cpu")
    asked = to_speak(" Hello.\n")
    assert Plain().variant(entry, asked) is None
    assert Plain().ready(KnownModel(entry, adapter, adapter.load()), asked) is asked


def test_a_craft_that_does_not_say_what_its_artifacts_are_cannot_be_made() -> None:
    class Silent(SlotCraft[Any, str]):
        craft = SPEECH

    with pytest.raises(TypeError, match="encode"):
        Silent()  # type: ignore[abstract]
