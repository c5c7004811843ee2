"""Phonemes that the model knows: what a G2P gives, in the symbols of the model's vocabulary. Pure.

Kokoro itself drops a symbol that it does not know without a word, so nothing may reach it that has not passed here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

NEAREST = {
    "g": "ɡ",
    "ɬ": "l",
    "ɭ": "l",
    "ɫ": "l",
    "\u032a": "",  # dental: Italian's d and t are anyway
    "\u0325": "",
    "\u032f": "",
    "\u0306": "",
    "\u0361": "",
    "’": "",
    "'": "",
    "-": "",
    "_": "",
    "/": "",
    "[": "(",
    "]": ")",
    "{": "(",
    "}": ")",
    "«": "“",
    "»": "”",
    "–": "—",
    "¿": "",
    "¡": "",
}
"""Symbols that a G2P gives and the vocabulary may lack -> the nearest ones that it has; punctuation may be left out.

Those that are sounds were found by trying all words of three letters of each alphabet through espeak-ng 1.52.
"""

_SYLLABIC = re.compile("(\\S)\u0329")


UNKNOWN = "❓"
"""What misaki writes for a word that it cannot say."""


class UnknownSymbol(Exception):
    """A sound that the model's vocabulary has no symbol for; its argument is the symbol."""


def fit(phonemes: str, vocab: Mapping[str, int]) -> str:
    """The same sounds in symbols of `vocab`; raises `UnknownSymbol` for one that has none near it.

    White space becomes single spaces; it is kept at the ends.
    """
    if all(symbol in vocab for symbol in phonemes) and "  " not in phonemes:
        return phonemes
    syllabic = _SYLLABIC.sub(r"ᵊ\1", phonemes)
    return re.sub(r"\s+", " ", "".join(_known(symbol, vocab) for symbol in syllabic))


def _known(symbol: str, vocab: Mapping[str, int]) -> str:
    if symbol in vocab or symbol.isspace():
        return symbol
    if symbol in NEAREST:
        return "".join(near for near in NEAREST[symbol] if near in vocab)
    parts = unicodedata.normalize("NFD", symbol)
    if len(parts) > 1:
        return "".join(_known(part, vocab) for part in parts)
    if symbol != UNKNOWN and unicodedata.category(symbol)[0] in "PSC":
        return ""
    raise UnknownSymbol(symbol)
