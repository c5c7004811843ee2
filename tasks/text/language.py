"""Which language a text is in, guessed from its letters alone. Pure, and no more than a guess.

Knows Vietnamese and English, the two that the default voices read; for anything else it
answers None rather than a wrong name.
"""

from __future__ import annotations

import unicodedata

SAMPLE_CHARS = 20_000
"""Looked at from the beginning; enough to tell, whatever the text's length."""

VIETNAMESE = frozenset("đơưắằẳẵặấầẩẫậếềểễệốồổỗộớờởỡợứừửữựảạẻẽẹỉĩịỏọủũụỷỹỵ")
"""Letters that Vietnamese has and other languages of Latin script have rarely or never.

Left out are ă, â, ê, ô and the vowels with no more than a grave, an acute or a tilde:
French, Portuguese or Romanian use them too.
"""


def guess_language(text: str) -> str | None:
    """`vi` or `en`, or None where neither is likely (or the text holds no letter)."""
    letters = [c for c in unicodedata.normalize("NFC", text[:SAMPLE_CHARS]).lower() if c.isalpha()]
    if not letters:
        return None
    vietnamese = sum(c in VIETNAMESE for c in letters)
    # In Vietnamese prose and verse they are a fifth of all letters, elsewhere next to none.
    if vietnamese >= 0.05 * len(letters):
        return "vi"
    plain = sum(c.isascii() for c in letters)
    return "en" if plain >= 0.98 * len(letters) else None
