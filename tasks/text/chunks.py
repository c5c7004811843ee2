"""Splits a text into chunks that a model reads at once, at the ends of paragraphs and sentences. Pure.

Guarantees: only white space is lost or repeated; the order is kept; no chunk is longer than
the limit; the same text gives the same chunks; an edit does not change the chunks before it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tasks.text.language import guess_language
from tasks.text.split import Piece, split

LEAST_CHARS = 20
UNKNOWN_CHARS = 2000
"""Size of a chunk if the model's limit is not known: half of the English text that bart-large reads."""

SAFETY = 0.85
"""A text may have shorter tokens than the sample text that was measured."""

SPECIAL_TOKENS = 2
"""The tokens for begin and end, which are not part of the text."""


def chunk_chars(text: str, reads_tokens: int, chars_per_token: Mapping[str, float]) -> int:
    """How many characters of this text a model reads at once; a careful estimate.

    `chars_per_token` maps a language to its value; for other languages the smallest value is used.
    """
    if reads_tokens <= 0 or not chars_per_token:
        return UNKNOWN_CHARS
    language = guess_language(text)
    per_token = chars_per_token.get(language or "") or min(chars_per_token.values())
    return max(LEAST_CHARS, int((reads_tokens - SPECIAL_TOKENS) * per_token * SAFETY))


def chunks(text: str, limit: int) -> list[str]:
    """The text in as few ordered chunks as possible, each of at most `limit` characters; none for an empty text."""
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
    """The text in two or a few more chunks; unchanged if it is too short for that."""
    half = max(LEAST_CHARS, (len(text) + 1) // 2)
    return chunks(text, half) if half < len(text) else [text]


def _last_two_alike(filled: list[list[Piece]], limit: int) -> list[list[Piece]]:
    """Share the text of the last two chunks if the last one is short: a model cannot summarise a few words."""
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
