"""Summaries in a slot: the text as the model gets it, and a summary as a file."""

from __future__ import annotations

from typing import Any

from tests.unit.workers.adapters.asked import to_summarise
from workers.adapters.outputs import Written
from workers.sidecar.crafts.summary import CRAFT


def test_the_text_is_stripped_and_all_else_stays() -> None:
    model: Any = None
    assert CRAFT.ready(model, to_summarise(" Words.\n", 8, 2)) == to_summarise("Words.", 8, 2)


def test_a_summary_becomes_text_in_utf_8_and_says_its_length_in_characters() -> None:
    data, details = CRAFT.encode(Written("Ngắn.", tokens_read=3, is_cut=True))
    assert data.decode() == "Ngắn."
    assert details == {"chars": 5, "tokens_read": 3, "is_cut": True}
