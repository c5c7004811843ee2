"""Cuts a text into chunks that a model reads at once, at the ends of paragraphs and sentences. Pure.

Guarantees: no character but white space is lost or repeated, order is kept, no chunk is
longer than asked; the same text gives the same chunks, and an edit changes those before it
not at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tasks.text.language import guess_language
from tasks.text.split import Piece, split

LEAST_CHARS = 20
UNKNOWN_CHARS = 2000
"""Of a chunk, where the model has not said how much it reads: half of what bart-large reads of English."""

SAFETY = 0.85
"""A text may have shorter tokens than the sample that the model was measured with."""

SPECIAL_TOKENS = 2
"""Begin and end, which are no text."""


def chunk_chars(text: str, reads_tokens: int, chars_per_token: Mapping[str, float]) -> int:
    """How many characters of this text a model reads at once, rather too few than too many.

    `chars_per_token` is by language; a language that is not there counts as the one with the shortest tokens.
    """
    if reads_tokens <= 0 or not chars_per_token:
        return UNKNOWN_CHARS
    language = guess_language(text)
    per_token = chars_per_token.get(language or "") or min(chars_per_token.values())
    return max(LEAST_CHARS, int((reads_tokens - SPECIAL_TOKENS) * per_token * SAFETY))


def chunks(text: str, limit: int) -> list[str]:
    """The text in chunks of at most `limit` characters, as few as fit in their order; none of an empty text."""
    filled: list[list[Piece]] = []
    length = 0
    for piece in split(text, limit):
        more = len(_gap(piece)) + len(piece.text)
        if filled and length + more <= limit:
            filled[-1].append(piece)
            length += more
        else:
            filled.append([piece])
            length = len(piece.text)
    return [_joined(pieces) for pieces in _last_two_alike(filled, limit)]


def halves(text: str) -> list[str]:
    """The text in two or a few more chunks; itself where it is too short for that."""
    half = max(LEAST_CHARS, (len(text) + 1) // 2)
    return chunks(text, half) if half < len(text) else [text]


def _last_two_alike(filled: list[list[Piece]], limit: int) -> list[list[Piece]]:
    """A short rest shares with the chunk before it: of a few words no model makes sense."""
    if len(filled) < 2 or len(_joined(filled[-1])) * 2 >= limit:
        return filled
    both = [*filled[-2], *filled[-1]]
    cuts = range(1, len(both))
    at = min(cuts, key=lambda cut: max(len(_joined(both[:cut])), len(_joined(both[cut:]))))
    return [*filled[:-2], both[:at], both[at:]]


def _joined(pieces: Sequence[Piece]) -> str:
    return "".join((_gap(piece) if i else "") + piece.text for i, piece in enumerate(pieces))


def _gap(piece: Piece) -> str:
    return "\n\n" if piece.opens_paragraph else " "
