"""Finds what was read aloud in the text as it was written. Pure.

A model reads a cleaned text: plain quotes, numbers in words, no emoji. Whoever shows the text while it is spoken wants
it as it was written. Guarantee: all of the written text is in the stretches, in order, but for white space at their
ends; the time is linear in its length. Where both have the same letters and digits, each stretch has those of what was
read there; elsewhere (a number in words) the place is found by the letters around it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from itertools import pairwise

NEAR = 40
"""How far a letter is looked for beyond a difference."""
ALIKE = 3
"""So many letters in a row are the end of a difference."""

_READ_MARKS = frozenset("&%@#§°")
_OPENING = frozenset("¿¡「『（《")


def as_written(text: str, read: Sequence[str]) -> list[str]:
    """The stretches of `text` that were read as these, one for each, without white space at their ends.

    A stretch that is empty there (nothing in the text has its letters) is as it was read.
    """
    if not read:
        return []
    letters, places = _letters(text)
    of_each = [_letters(one)[0] for one in read]
    begins = _begins(letters, of_each)
    cuts = [0, *(_cut(text, places, begin) for begin in begins[1:]), len(text)]
    stretches = (text[start:end].strip() for start, end in pairwise(cuts))
    return [stretch or one for stretch, one in zip(stretches, read, strict=True)]


def _letters(text: str) -> tuple[str, Sequence[int]]:
    """What has a sound, in one form for all ways to write it, and the place of each in the text."""
    found = [(letter, place) for place, char in enumerate(text) for letter in _plain(char)]
    return "".join(letter for letter, _ in found), [place for _, place in found]


def _plain(char: str) -> Iterator[str]:
    folded = char.casefold() if char.isascii() else unicodedata.normalize("NFKD", char).casefold()
    return (one for one in folded if one.isalnum() or one in _READ_MARKS or unicodedata.category(one) in ("Sc", "Sm"))


def _begins(letters: str, of_each: Sequence[str]) -> list[int]:
    """The letter of the text with which each begins; always growing."""
    read = "".join(of_each)
    at = [0] * (len(read) + 1)
    here = there = 0
    while there < len(read):
        if here < len(letters) and letters[here] == read[there]:
            ahead, steps = 1, 1
        else:
            ahead, steps = _difference(letters, here, read, there)
            ahead = min(ahead, len(letters) - here)
        for step in range(1, steps + 1):
            at[there + step] = here + round(ahead * step / steps)
        here, there = here + ahead, there + steps
    begins, count = [], 0
    for one in of_each:
        begins.append(at[count])
        count += len(one)
    return begins


def _difference(letters: str, here: int, read: str, there: int) -> tuple[int, int]:
    """How many letters of each are passed over, until both go on alike; one of each if they do not soon."""
    best: tuple[int, int] | None = None
    for ahead in range(NEAR):
        if len(sought := letters[here + ahead : here + ahead + ALIKE]) < ALIKE:
            break
        found = read.find(sought, there, there + NEAR)
        if found >= 0 and (best is None or ahead + found - there < sum(best)):
            best = ahead, found - there
    return best if best and sum(best) else (1, 1)


def _cut(text: str, places: Sequence[int], begin: int) -> int:
    """Where a stretch that begins with this letter is cut from the one before: a mark stays with what it stands at."""
    if begin == 0 or begin >= len(places):
        return len(text) if begin else 0
    start, end = places[begin - 1] + 1, places[begin]
    for place in range(end - 1, start - 1, -1):
        if text[place].isspace():
            return place
    while end > start and (text[end - 1] in _OPENING or unicodedata.category(text[end - 1]) in ("Ps", "Pi")):
        end -= 1
    return end
