"""What Kokoro is asked to speak: the parts of the English example chapter, and their phonemes, piece by piece.

The pieces are those that slotline's adapter makes of the same parts, so every system speaks the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.random_bart import CHAPTER
from tasks.text.split import split
from workers.adapters.kokoro.text.phonemes import Phonemizer

LANGUAGE = "a"


def chapter_of(at_most: int = 0) -> tuple[str, list[str]]:
    """The chapter, and the texts that slotline's slots speak of it; its first few parts only, if `at_most` is not 0.

    A part that is repeated is left out, because slotline computes it once.
    """
    whole = split(CHAPTER.read_text(encoding="utf-8"))
    parts = list(dict.fromkeys(part.text for part in whole if part.speakable))[: at_most or None]
    return "\n\n".join(parts), parts


class Phonemes:
    """Makes phonemes as the adapter does; loading what English needs takes seconds. `vocabulary` is the model's."""

    def __init__(self, vocabulary: Mapping[str, int]) -> None:
        self._phonemizer = Phonemizer(vocabulary)
        self._phonemizer.open(LANGUAGE)

    def of(self, text: str) -> list[str]:
        """The phonemes of a text, a string a piece."""
        return [piece.phonemes for piece in self._phonemizer.pieces(LANGUAGE, text)]

    def of_all(self, texts: Sequence[str]) -> list[str]:
        """Those of several texts, one after the other."""
        return [phonemes for text in texts for phonemes in self.of(text)]
