"""Guesses the language of a text from its letters. Pure.

Knows Vietnamese and English, the languages of the default voices; for another language it
returns None.
"""

from __future__ import annotations

import unicodedata

SAMPLE_CHARS = 20_000
"""The part of the text, from its beginning, that is examined; it is enough for a text of any length."""

VIETNAMESE = frozenset("đơưắằẳẵặấầẩẫậếềểễệốồổỗộớờởỡợứừửữựảạẻẽẹỉĩịỏọủũụỷỹỵ")
"""Letters of Vietnamese that are rare or unknown in other languages with Latin script.

The set has no ă, â, ê, ô and no vowels with only a grave, an acute or a tilde, because
French, Portuguese or Romanian use them too.
"""


def guess_language(text: str) -> str | None:
    """`vi` or `en`, or None if neither is likely (or the text has no letter)."""
    letters = [c for c in unicodedata.normalize("NFC", text[:SAMPLE_CHARS]).lower() if c.isalpha()]
    if not letters:
        return None
    vietnamese = sum(c in VIETNAMESE for c in letters)
    # In Vietnamese prose and verse they are a fifth of all letters, in other languages almost none.
    if vietnamese >= 0.05 * len(letters):
        return "vi"
    plain = sum(c.isascii() for c in letters)
    return "en" if plain >= 0.98 * len(letters) else None
