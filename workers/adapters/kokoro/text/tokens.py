"""A token: a stretch of a text, and the phonemes that say it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

PAUSES = frozenset(';:,.!?—…"()“” ')
"""The symbols of Kokoro's vocabulary that have no sound of their own."""

OPENING = frozenset("(“")
"""Those that belong to the word after them."""


@dataclass(frozen=True)
class Token:
    """A word or a punctuation mark. White space that follows it is at the end of `text`, and of `phonemes`.

    A token may stand for several words where it is not known which phonemes are whose. The texts of a text's tokens,
    one after the other, hold all its letters.
    """

    text: str
    phonemes: str

    @property
    def speaks(self) -> bool:
        """Whether it has a sound."""
        return not PAUSES.issuperset(self.phonemes)

    @property
    def is_one_word(self) -> bool:
        """Whether its phonemes say one word of the text."""
        return len(self.text.split()) == 1 and self.speaks


def before_marks(tokens: Iterable[Token]) -> Iterator[Token]:
    """The same tokens, without a space before a mark that closes: «,», not « ,»."""
    held: Token | None = None
    for token in tokens:
        if held is not None:
            closes = token.phonemes[:1] in PAUSES and token.phonemes[:1] not in OPENING
            yield Token(held.text, held.phonemes.rstrip()) if closes else held
        held = token
    if held is not None:
        yield held
