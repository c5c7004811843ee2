"""One form for every way of writing the same text, and whether it can be spoken."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tasks.text.normalise import is_speakable, normalise


@given(st.text())
@example("a\x00\u0301 \r\x00\n")
def test_normalising_twice_is_normalising_once_and_leaves_no_carriage_return(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once
    assert "\r" not in once
    assert "\x00" not in once


@pytest.mark.parametrize(
    ("text", "speakable"),
    [("Ồ!", True), ("5", True), ("汉字", True), ("* * *", False), ("…?!", False), ("😀", False), ("", False)],
)
def test_speakable_is_what_holds_a_letter_or_a_digit(text: str, speakable: bool) -> None:
    assert is_speakable(text) is speakable
