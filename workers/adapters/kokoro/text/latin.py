"""Latin words in a Japanese or Chinese text: found, and said by espeak-ng's English. misaki would spell them as sounds.

Also single Greek letters, by their English names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from workers.adapters.kokoro.text.tokens import Token

_LATIN = re.compile(r"[A-Za-z\u00aa-\u024f\u0370-\u03ff]+(?:['.&-]?[A-Za-z\u00aa-\u024f]+)*")


def around_latin(text: str, say: Callable[[str], str], other: Callable[[str], Iterable[Token]]) -> Iterator[Token]:
    """The tokens of a text: Latin words by `say`, what stands between them by `other`."""
    start = 0
    for found in _LATIN.finditer(text):
        yield from _spaced(list(other(text[start : found.start()])))
        start = found.end()
        after = " " if text[start : start + 1].isspace() else ""
        start += len(after)
        yield Token(found[0] + after, say(found[0].replace(".", " ")) + " ")
    yield from other(text[start:])


def _spaced(tokens: list[Token]) -> Iterator[Token]:
    """With a space between the last word and the Latin one that follows."""
    for index, token in enumerate(tokens):
        last = index + 1 == len(tokens) and token.speaks and not token.phonemes.endswith(" ")
        yield Token(token.text, token.phonemes + " ") if last else token
