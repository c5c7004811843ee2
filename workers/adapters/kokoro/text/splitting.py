"""Cuts a text's tokens into pieces that the model speaks at once. Pure.

Guarantees: the pieces' phonemes, one after the other, are those of the tokens but for the spaces at the cuts, and so
are their texts; a piece has 1 to 510 phonemes, speaks, and has no white space at its ends; the time is linear in the
length of the text. It aims at 100 to 250 phonemes, and cuts, in this order of preference, after sentences, after
clauses, after commas, between words, inside a word. A row of many punctuation marks is shortened.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from workers.adapters.kokoro.prepared import Piece, Word
from workers.adapters.kokoro.text.tokens import OPENING, Token

MOST = 510
"""What the model takes: 512 positions without the two at the ends."""
SHORT, LONG = 100, 250
"""Shorter pieces are spoken in haste, longer ones fade."""

MOST_MARKS = 4
"""Of a row of punctuation marks («!!!!!!!!»): more are no longer pause, and would make a piece without a word."""

_COSTS = {**dict.fromkeys(".!?…", 0.0), **dict.fromkeys(";:—", 0.5), **dict.fromkeys(",)”", 1.0)}
_AT_WORD, _IN_WORD = 2.0, 8.0
_BOUND_TO_NEXT, _BOUND_TO_LAST = frozenset("ˈˌ"), frozenset("ːʰʲ\u0303→↗↘↓")
"""A stress and its vowel belong together, and a sound and its length or tone."""

Unit = Sequence[Token]
"""A word with the marks around it: what no cut divides."""


def split(tokens: Sequence[Token]) -> tuple[Piece, ...]:
    """The pieces of these tokens, in order; none if no token speaks."""
    units = _units(list(_short(_few_marks(tokens))))
    lengths = [sum(len(token.phonemes) for token in unit) for unit in units]
    left = sum(lengths)
    pieces = []
    start = 0
    while start < len(units):
        stop = _stop(units, lengths, start, left)
        left -= sum(lengths[start:stop])
        pieces.append(_piece([token for unit in units[start:stop] for token in unit]))
        start = stop
    return tuple(pieces)


def _stop(units: Sequence[Unit], lengths: Sequence[int], start: int, left: int) -> int:
    """Where a piece that begins at `start` ends best. `left`: how many phonemes there are from there on."""
    best, lowest = start + 1, float("inf")
    length = 0
    for stop in range(start + 1, len(units) + 1):
        length += lengths[stop - 1]
        if length > MOST:
            break
        rest = left - length
        cost = _misfit(length)
        if rest:
            cost += _cut(units[stop - 1]) + 0.5 * _misfit(min(rest, LONG))
        if cost <= lowest:
            best, lowest = stop, cost
    return best


def _misfit(length: int) -> float:
    if length < SHORT:
        return 2.0 * (SHORT - length) / SHORT
    return 4.0 * max(0, length - LONG) / (MOST - LONG)


def _cut(unit: Unit) -> float:
    """How bad a cut after this unit is."""
    ending = unit[-1].phonemes
    last = next((mark for mark in reversed(ending.rstrip()) if mark not in "”)"), "")
    if unit[-1].speaks or not last:
        return _AT_WORD if ending.endswith(" ") else _IN_WORD
    return _COSTS.get(last, _AT_WORD)


def _few_marks(tokens: Sequence[Token]) -> Iterator[Token]:
    """The tokens with at most `MOST_MARKS` marks in a row."""
    marks = 0
    for token in tokens:
        if token.speaks:
            marks = 0
            yield token
            continue
        kept = token.phonemes.strip().replace(" ", "")[: MOST_MARKS - marks]
        marks += len(kept)
        yield Token(token.text, kept + (" " if kept and token.phonemes.endswith(" ") else ""))


def _short(tokens: Iterator[Token]) -> Iterator[Token]:
    """A token of more than `LONG` phonemes (a long number, a word without end) in several, with a share of its text."""
    for token in tokens:
        if len(token.phonemes) <= LONG:
            yield token
            continue
        said = 0
        for part in _parts(token.phonemes):
            share = slice(*(round(len(token.text) * at / len(token.phonemes)) for at in (said, said + len(part))))
            said += len(part)
            yield Token(token.text[share], part)


def _parts(phonemes: str) -> Iterator[str]:
    """Parts of about `SHORT` phonemes, cut at spaces where there are some."""
    while len(phonemes) > SHORT:
        cut = phonemes.rfind(" ", 0, SHORT) + 1
        if not cut:
            cut = SHORT
            while cut > 1 and (phonemes[cut] in _BOUND_TO_LAST or phonemes[cut - 1] in _BOUND_TO_NEXT):
                cut -= 1
        yield phonemes[:cut]
        phonemes = phonemes[cut:]
    if phonemes:
        yield phonemes


def _units(tokens: Sequence[Token]) -> Sequence[Unit]:
    """Each speaking token with the marks before it that open and those after it that close; none if none speaks."""
    units: list[list[Token]] = []
    held: list[Token] = []
    for token in tokens:
        opens = token.phonemes[:1] in OPENING or not token.phonemes
        if token.speaks:
            units.append([*held, token])
            held = []
        elif held or not units or opens:
            held.append(token)
        else:
            units[-1].append(token)
    if units:
        units[-1] += held
    return units


def _piece(tokens: Unit) -> Piece:
    before = len(phonemes := "".join(token.phonemes for token in tokens)) - len(phonemes.lstrip())
    text = "".join(token.text for token in tokens).strip()
    return Piece(text, phonemes.strip(), tuple(_words(tokens, -before)))


def _words(tokens: Unit, start: int) -> list[Word]:
    """The words and where their phonemes are; none if one of them is not known. `start`: where the tokens begin."""
    words: list[Word] = []
    goes_on = False
    for token in tokens:
        if token.speaks:
            if not token.is_one_word:
                return []
            word = Word(token.text.strip(), start, start + len(token.phonemes.rstrip()))
            if goes_on:
                first = words.pop()
                word = Word(first.text + word.text, first.start, word.end)
            words.append(word)
        goes_on = token.speaks and not token.phonemes.endswith(" ")
        start += len(token.phonemes)
    return words
