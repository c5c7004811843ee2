"""The language of a text, guessed from its letters."""

from __future__ import annotations

import unicodedata

import pytest

from tasks.text.language import guess_language

VIETNAMESE = "Trăm năm trong cõi người ta, chữ tài chữ mệnh khéo là ghét nhau."


@pytest.mark.parametrize(
    ("text", "language"),
    [
        (VIETNAMESE, "vi"),
        (unicodedata.normalize("NFD", VIETNAMESE), "vi"),
        ("The sea was calm, and the boat lay still upon it.", "en"),
        ("Être ou ne pas être, voilà la question posée à l'été.", None),
        ("Море спокойно.", None),
        ("12 + 3 = 15 …", None),
        ("", None),
    ],
)
def test_vietnamese_and_english_are_told_apart_and_nothing_else_is_named(text: str, language: str | None) -> None:
    assert guess_language(text) == language
