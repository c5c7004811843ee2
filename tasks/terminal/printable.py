"""Text from outside (titles, names, errors) in the form in which a terminal may print it. Pure."""

from __future__ import annotations

import unicodedata

_SHOWN_THOUGH_NOT_PRINTABLE = frozenset("\u200c\u200d")
"""The joiners: some scripts and emoji need them, and they move no cursor."""


def printable(text: str, kept: str = "") -> str:
    r"""`text` with each character that controls a terminal as its escape, such as `\x1b`; without those in `kept`.

    Letters with marks (Vietnamese, also decomposed) and wide characters stay as they are. Escaped are control
    characters, marks that change the direction of text, and lone surrogates, which cannot be encoded.
    """
    if text.isprintable():
        return text
    return "".join(one if _is_shown(one) or one in kept else _escaped(one) for one in text)


def one_line(text: str) -> str:
    """`printable`, with all white space as single spaces."""
    return printable(" ".join(text.split()))


def shortened(text: str, limit: int) -> str:
    """`one_line`, with `…` at its end if it has more than `limit` characters."""
    line = one_line(text)
    return line if len(line) <= limit else line[: limit - 1] + "…"


def counted(number: int, noun: str, plural: str = "") -> str:
    """`1 chapter`, `2 chapters`, `1,200 chapters`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def _is_shown(one: str) -> bool:
    return one.isprintable() or unicodedata.category(one) == "Zs" or one in _SHOWN_THOUGH_NOT_PRINTABLE


def _escaped(one: str) -> str:
    return one.encode("unicode_escape").decode("ascii")
