"""Gives pieces and their words the spelling of the text that they came from. Pure.

The G2Ps get a cleaned text (`cleaning`): «Nguyên» for «Nguyễn», ' for ’. Subtitles shall show what was written. Where a
piece cannot be found again (a Japanese number in words), it keeps its cleaned text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from tasks.text.normalise import normalise
from workers.adapters.kokoro.prepared import Piece, Word
from workers.adapters.kokoro.text.cleaning import clean


def as_written(pieces: Sequence[Piece], text: str, letter: str) -> tuple[Piece, ...]:
    """The pieces of a text with its own spelling; as they are if they do not hold its cleaned characters in order."""
    cleaned = "".join("".join(piece.text.split()) for piece in pieces)
    origins = _aligned(cleaned, _origins(normalise(text), letter))
    if origins is None:
        return tuple(pieces)
    restored = []
    at = 0
    for piece in pieces:
        stop = at + len("".join(piece.text.split()))
        words = tuple(_words(piece.words, cleaned, at, origins))
        restored.append(replace(piece, text=_joined(origins[at:stop]) or piece.text, words=words))
        at = stop
    return tuple(restored)


def _words(words: Sequence[Word], cleaned: str, at: int, origins: Sequence[str]) -> Iterator[Word]:
    for word in words:
        found = cleaned.find(word.text, at)
        if found >= 0:
            at = found + len(word.text)
        yield replace(word, text=_joined(origins[found:at]) or word.text) if found >= 0 else word


def _joined(origins: Sequence[str]) -> str:
    return " ".join("".join(origins).split())


def _aligned(cleaned: str, origins: Iterator[tuple[str, str]]) -> list[str] | None:
    """For each character of the cleaned text what it was; a comma that cleaning put at a line's end was nothing."""
    aligned: list[str] = []
    expected = next(origins, ("", ""))
    for char in cleaned:
        if char == expected[0]:
            aligned.append(expected[1])
            expected = next(origins, ("", ""))
        elif char == "," and aligned:
            aligned.append("")
        else:
            return None
    return aligned if not expected[0] else None


def _origins(text: str, letter: str) -> Iterator[tuple[str, str]]:
    """Each character of the cleaned text but white space, and what of the text became it, with the space after it."""
    for word in text.split():
        chars = "".join(clean(word, letter).split())
        for index, char in enumerate(chars):
            origin = word[index] if len(chars) == len(word) else "" if index else word
            yield char, origin + (" " if index + 1 == len(chars) else "")
