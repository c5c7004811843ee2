"""A text made ready for Kokoro: what `prepare` gives and `run` computes. Plain values that another process reads."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Word:
    """A word of a piece: its text, and which of the piece's phonemes are its own (`start` inclusive, `end` not)."""

    text: str
    start: int
    end: int


@dataclass(frozen=True)
class Piece:
    """What the model speaks at once: 1 to 510 phonemes, each a symbol of its vocabulary, and the text that they say.

    The texts of all pieces, one after the other, hold every word of the input. `words` may be empty.
    """

    text: str
    phonemes: str
    words: tuple[Word, ...] = ()


@dataclass(frozen=True)
class PreparedText:
    """A text in pieces, the voice or blend that speaks it, as the request names it, and its speed."""

    voice: str
    speed: float
    pieces: tuple[Piece, ...]

    @property
    def phonemes(self) -> str:
        """All phonemes, in order."""
        return "".join(piece.phonemes for piece in self.pieces)
