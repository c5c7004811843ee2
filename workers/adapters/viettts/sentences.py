"""The text that the VietTTS model gets, and its pieces. Pure; the model's own steps are passed in.

viet-tts takes `<|…|>` for special tokens, drops links, emoji and everything from U+24C2 to
U+1F251 (Chinese, Japanese, Korean), and splits only at . ? ! ; : . Here special tokens are
removed, text without a letter or digit is not a sentence, and a sentence that is too long is
split further: at commas, then between words, then within a word.
"""

from __future__ import annotations

import re
from collections.abc import Callable

MOST_TOKENS = 60
"""viet-tts itself fills a piece up to 30 text tokens where there are marks to cut at, and may join a short
rest to it. A piece of 60 is 10 to 20 seconds of speech; the model drifts in longer ones."""

_SPECIAL = re.compile(r"<\|.*?\|>", re.DOTALL)
_AFTER_CLAUSE = re.compile(r"(?<=[,–—…])\s*")


def without_special_tokens(text: str) -> str:
    """The text without `<|…|>`, also where removing one makes another, and without `<|`."""
    while (shorter := _SPECIAL.sub(" ", text)) != text:
        text = shorter
    return text.replace("<|", " ").replace("|>", " ")


def is_sayable(text: str) -> bool:
    """Whether the text has a letter or a digit."""
    return any(character.isalnum() for character in text)


def sentences(
    text: str, normalise: Callable[[str], str], split: Callable[[str], list[str]], tokens: Callable[[str], int]
) -> list[str]:
    """The pieces that the model speaks one after another; none if nothing in the text can be spoken.

    `normalise` and `split` are viet-tts's own, `tokens` counts a piece's text tokens.
    """
    # Twice: viet-tts removes quotes and brackets, and this may join the characters of a special token.
    said = without_special_tokens(normalise(without_special_tokens(text))).strip()
    if not is_sayable(said):
        return []
    pieces = (piece for sentence in split(said) for piece in cut(sentence, tokens))
    return [piece for piece in pieces if is_sayable(piece)]


def cut(sentence: str, tokens: Callable[[str], int], most: int = MOST_TOKENS) -> list[str]:
    """The sentence in pieces of at most `most` tokens: at commas and dashes, else between words, else anywhere."""
    if tokens(sentence) <= most or len(sentence) < 2:
        return [sentence]
    for parts in (_AFTER_CLAUSE.split(sentence), sentence.split()):
        if len(joined := _joined(parts, tokens, most)) > 1:
            return [piece for part in joined for piece in cut(part, tokens, most)]
    middle = len(sentence) // 2
    return cut(sentence[:middle], tokens, most) + cut(sentence[middle:], tokens, most)


def _joined(parts: list[str], tokens: Callable[[str], int], most: int) -> list[str]:
    """Join neighbours again if they fit together."""
    joined: list[str] = []
    sizes: list[int] = []
    for part in filter(None, parts):
        size = tokens(f" {part}")
        if joined and sizes[-1] + size <= most:
            joined[-1] += f" {part}"
            sizes[-1] += size
        else:
            joined.append(part)
            sizes.append(size)
    return joined
