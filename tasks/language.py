"""Which language a text is in, guessed from its letters alone. Pure, and no more than a guess.

Knows Vietnamese and English, the two that the default voices read; for anything else it
answers None rather than a wrong name.
"""

from __future__ import annotations

import unicodedata

SAMPLE_CHARS = 20_000
"""Looked at from the beginning; enough to tell, whatever the text's length."""

VIETNAMESE = frozenset("ăâđêôơưắằẳẵặấầẩẫậếềểễệốồổỗộớờởỡợứừửữựảạẻẽẹỉĩịỏọủũụỷỹỵ")
"""Letters that Vietnamese has and other languages of Latin script have rarely or never.

Its à, á, è, é, ì, í, ò, ó, ù, ú, ý, ã, õ are left out: French, Spanish or Portuguese use them too.
"""


def guess_language(text: str) -> str | None:
    """`vi` or `en`, or None where neither is likely (or the text holds no letter)."""
    letters = [c for c in unicodedata.normalize("NFC", text[:SAMPLE_CHARS]).lower() if c.isalpha()]
    if not letters:
        return None
    vietnamese = sum(c in VIETNAMESE for c in letters)
    # Vietnamese prose has 15-25% of them; French with its ê, â and ô stays below 2%.
    if vietnamese >= 0.06 * len(letters):
        return "vi"
    plain = sum(c.isascii() for c in letters)
    return "en" if plain >= 0.98 * len(letters) else None
