"""Letters instead of phonemes, for a Kokoro with random weights: so a machine needs no dictionary of any language.

As a module of a slotline worker (`--include benchmarks.kokoro_letters`) it replaces what the adapter's phonemiser
does. The sound is noise, and as long as the text asks for.
"""

from __future__ import annotations

from tasks.errors import InvalidInput
from workers.adapters.kokoro.prepared import Piece
from workers.adapters.kokoro.text.languages import Language
from workers.adapters.kokoro.text.phonemes import Phonemizer

PIECE = 200
"""Phonemes of a piece, which slotline aims at too."""


def pieces(self: Phonemizer, letter: str, text: str, voice: str = "") -> tuple[Piece, ...]:
    """A phoneme for each letter and mark that the model has; `PIECE` of them at once."""
    known = "".join(one for one in text.lower() if one in self._vocab)
    if not known:
        raise InvalidInput("text: no letter in it")
    return tuple(Piece(known[at : at + PIECE], known[at : at + PIECE]) for at in range(0, len(known), PIECE))


Language.lacks = lambda self: []  # type: ignore[method-assign]
Language.require = lambda self: None  # type: ignore[method-assign]
Phonemizer.open = lambda self, letter: None  # type: ignore[method-assign]
Phonemizer.version = lambda self, letter: "letters"  # type: ignore[method-assign]
Phonemizer.pieces = pieces  # type: ignore[method-assign]
