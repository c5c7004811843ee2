"""Splits a chapter's text into pieces, each small enough for one slot to speak at once. Pure.

It always cuts between paragraphs. Within a paragraph it cuts, in this order of preference,
between sentences, between the sentences inside a quotation, at clause marks and line ends,
between words, inside a word.

Guarantees: only white space is lost or repeated; the order is kept; a piece has 1 to
`max_chars` characters and no white space at its ends; splitting a piece gives that piece;
the same text gives the same pieces; the time is linear in the length of the text.

White space inside a line becomes single spaces. A line end inside a paragraph becomes a
space too, because most line ends come from wrapping. It is kept in verse (a short line, and
the next one begins with a capital), because there a reader pauses even without a comma. The
adapter decides what it does with such a line end.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from sentencex import segment

from tasks.text.language import guess_language
from tasks.text.normalise import is_speakable, normalise

VERSE_LINE_CHARS = 60
"""A longer line is a wrapped line, so its end has no meaning; lines of verse are rarely longer."""

SENTENCE_WINDOW_CHARS = 4096
"""sentencex needs quadratic time for unclosed quotes (15 s for 1 MB); with windows the time is linear."""

_CLAUSE_END = re.compile(
    r"""[;:,…]["”’»)\]]*\s+ | [。！？，；：、][”’」』]* | [—―]+\s* | \s–\s | ["”»)\]]\s+ | \n""", re.VERBOSE
)
_WORD = re.compile(r"\s*\S+\s*")
_SHORT_FORM = re.compile(r"\b(?:TP|Tp|GS|PGS|TS|ThS|BS|KS|LS|ĐH|Q|P|[A-ZĐ])\.\s*$")
"""Vietnamese abbreviations that sentencex takes for the end of a sentence."""

_UNQUOTED = str.maketrans({**dict.fromkeys("“«(「『[", "_"), **dict.fromkeys("”»)」』]", " ")})

Divider = Callable[[str], Iterable[str]]
"""Divides a text into consecutive units; joined, they are the same text."""


@dataclass(frozen=True)
class Piece:
    """A text that one slot speaks at once; `speakable` is False if it has nothing to speak («***»)."""

    text: str
    opens_paragraph: bool
    speakable: bool


def split(text: str, max_chars: int = 256) -> list[Piece]:
    """The pieces of `text` in order, each at most `max_chars` characters; none for an empty text."""
    if max_chars < 1:
        raise ValueError("max_chars must be at least 1")
    language = "vi" if guess_language(text) == "vi" else "en"  # its rules are those of most other languages too
    pieces = []
    for paragraph in _paragraphs(normalise(text)):
        # A cut can leave «***» on its own line, so each piece is split into paragraphs again.
        texts = [line for piece in _cut(paragraph, max_chars, language) for line in _paragraphs(piece)]
        pieces += [Piece(each, i == 0, is_speakable(each)) for i, each in enumerate(texts)]
    return pieces


def _paragraphs(text: str) -> Iterator[str]:
    """Blocks between blank lines; a line with nothing to speak is a block of its own."""
    lines: list[str] = []
    for raw in text.split("\n"):
        line = " ".join(raw.split())
        if line and is_speakable(line):
            lines.append(line)
            continue
        if lines:
            yield _join_lines(lines)
            lines = []
        if line:
            yield line
    if lines:
        yield _join_lines(lines)


def _join_lines(lines: list[str]) -> str:
    """Join lines to one text. Joined lines count as one longer line, so that splitting a piece gives that piece."""
    joined = [lines[0]]
    length = len(lines[0])
    for line in lines[1:]:
        if length <= VERSE_LINE_CHARS and not line[0].islower():
            joined += ["\n", line]
            length = len(line)
        else:
            joined += [" ", line]
            length += 1 + len(line)
    return "".join(joined)


def _cut(paragraph: str, max_chars: int, language: str) -> list[str]:
    dividers: tuple[Divider, ...] = (
        lambda text: _sentences(text, language),
        lambda text: _quoted_sentences(text, language),
        _clauses,
        _words,
        lambda text: _clusters(text, max_chars),
    )
    return [piece.strip() for piece in _pack(paragraph, max_chars, dividers)]


def _pack(text: str, max_chars: int, dividers: tuple[Divider, ...]) -> list[str]:
    """Pack units of the first divider into few pieces; the next divider divides units that are too long."""
    if len(text.strip()) <= max_chars:
        return [text]
    packed: list[str] = []
    current: list[str] = []
    length = 0
    for unit in dividers[0](text):
        visible = len(unit.rstrip())
        if current and length + visible > max_chars:
            packed.append("".join(current))
            current, length = [], 0
        if not current:
            *whole, unit = _pack(unit.lstrip(), max_chars, dividers[1:])
            packed += whole
        current.append(unit)
        length += len(unit)
    packed.append("".join(current))
    return packed


def _sentences(text: str, language: str) -> Iterator[str]:
    """Sentences with the space that follows them; a quotation counts as part of its sentence."""
    held = ""
    start = 0
    while start < len(text):
        stop = _window_end(text, start)
        window = text[start:stop]
        found = segment(language, window)
        if "".join(found) != window:
            found = [window]
        if stop < len(text) and len(found) > 1:
            found.pop()  # this sentence may continue in the next window
        for sentence in found:
            start += len(sentence)
            held += sentence
            if language != "vi" or len(held) > SENTENCE_WINDOW_CHARS or not _SHORT_FORM.search(held[-8:]):
                yield held
                held = ""
    if held:
        yield held


def _window_end(text: str, start: int) -> int:
    """The end of a window from `start`: after white space, so never inside a word."""
    stop = start + SENTENCE_WINDOW_CHARS
    if stop >= len(text):
        return len(text)
    space = max(text.rfind(" ", start, stop), text.rfind("\n", start, stop))
    if space > start:
        return space + 1
    following = re.compile(r"\s").search(text, stop)
    return following.end() if following else len(text)


def _quoted_sentences(text: str, language: str) -> Iterator[str]:
    """The sentences inside quotation marks and brackets, which `_sentences` keeps together."""
    start = 0
    for sentence in _sentences(_plain_quotes(text).translate(_UNQUOTED), language):
        yield text[start : start + len(sentence)]
        start += len(sentence)


def _plain_quotes(text: str) -> str:
    """Replace straight double quotes by typographic ones; the character before a quote decides which."""
    return re.sub(r'(^|[\s(\[—])"', r"\1“", text).replace('"', "”")


def _clauses(text: str) -> Iterator[str]:
    start = 0
    for mark in _CLAUSE_END.finditer(text):
        yield text[start : mark.end()]
        start = mark.end()
    if start < len(text):
        yield text[start:]


def _words(text: str) -> Iterator[str]:
    held = ""
    for word in _WORD.findall(text):
        if held and not _continues(held[-1], word[0]):
            yield held
            held = ""
        held += word
    yield held


def _clusters(text: str, max_chars: int) -> Iterator[str]:
    """Cut a word between grapheme clusters, or inside a cluster that is itself too long."""
    start = 0
    while start < len(text):
        stop = min(start + max_chars, len(text))
        while start < stop < len(text) and _continues(text[stop - 1], text[stop]):
            stop -= 1
        if stop == start:
            stop = min(start + max_chars, len(text))
        yield text[start:stop]
        start = stop


def _continues(before: str, char: str) -> bool:
    """Whether `char` belongs to the same grapheme cluster as the character before it."""
    return (
        before == "\u200d"
        or char == "\u200d"
        or unicodedata.category(char).startswith("M")
        or "\U0001f3fb" <= char <= "\U0001f3ff"  # skin tones
    )
