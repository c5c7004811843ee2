"""Guesses the language of a text from its letters. Pure.

Knows Vietnamese and English, the languages of the default voices, and the languages that a script of their own tells:
Japanese, Chinese and Hindi. For another language it returns None.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

SAMPLE_CHARS = 20_000
"""The part of the text, from its beginning, that is examined; it is enough for a text of any length."""

VIETNAMESE = frozenset("đơưắằẳẵặấầẩẫậếềểễệốồổỗộớờởỡợứừửữựảạẻẽẹỉĩịỏọủũụỷỹỵ")
"""Letters of Vietnamese that are rare or unknown in other languages with Latin script.

The set has no ă, â, ê, ô and no vowels with only a grave, an acute or a tilde, because
French, Portuguese or Romanian use them too.
"""


KANA, HAN, DEVANAGARI = ("\u3040", "\u30ff"), ("\u4e00", "\u9fff"), ("\u0900", "\u097f")


def guess_language(text: str) -> str | None:
    """`vi`, `en`, `ja`, `zh` or `hi`, or None if none of them is likely (or the text has no letter)."""
    letters = [c for c in unicodedata.normalize("NFC", text[:SAMPLE_CHARS]).lower() if c.isalpha()]
    if not letters:
        return None
    vietnamese = sum(c in VIETNAMESE for c in letters)
    # In Vietnamese prose and verse they are a fifth of all letters, in other languages almost none.
    if vietnamese >= 0.05 * len(letters):
        return "vi"
    plain = sum(c.isascii() for c in letters)
    return "en" if plain >= 0.98 * len(letters) else _by_script(letters)


def _by_script(letters: Sequence[str]) -> str | None:
    """The language that most letters tell by their script. Japanese has Han characters too, and always some kana."""

    def share(script: tuple[str, str]) -> float:
        return sum(script[0] <= c <= script[1] for c in letters) / len(letters)

    if share(KANA) + share(HAN) >= 0.5:
        return "ja" if share(KANA) >= 0.05 else "zh"
    return "hi" if share(DEVANAGARI) >= 0.5 else None
