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
        ("吾輩は猫である。名前はまだ無い。", "ja"),
        ("我昨天去了商店，买了很多 IBM 电脑。", "zh"),
        ("यह पहला वाक्य है।", "hi"),
        ("안녕하세요", None),
        ("The word 猫 is read neko.", None),
        ("12 + 3 = 15 …", None),
        ("", None),
    ],
)
def test_only_a_language_that_its_letters_tell_is_named(text: str, language: str | None) -> None:
    assert guess_language(text) == language
