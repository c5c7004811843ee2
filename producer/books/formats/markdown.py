"""Markdown to a book: chapters by headings of the first two levels, marks taken off the prose. Pure.

A first heading of level 1 that is the only one above headings of level 2 is the book's title.
Where level 1 has prose of its own, level 2 makes no chapters but sections inside them.
Deeper headings are ordinary paragraphs. Knows what occurs in prose, not all of Markdown.
"""

from __future__ import annotations

import html
import itertools
import re
from collections.abc import Iterator
from dataclasses import replace

from producer.books.formats.book import Book, clean, title_of
from producer.books.formats.plain import Paragraph, blocks, to_chapters
from tasks.text.language import guess_language

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_FIELD = re.compile(r"""^(title|author|lang|language):[ \t]*["']?(.*?)["']?[ \t]*$""", re.MULTILINE)
_HEADING = re.compile(r"^(#{1,6})[ \t]+(.*?)[ \t#]*$")
_HEADING_LINE = re.compile(r"^#{1,2}[ \t]+\S", re.MULTILINE)
_UNDERLINE = re.compile(r"^(?:=+|-{2,})$")
_RULE = re.compile(r"^(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$")
_LINE_MARK = re.compile(r"^(?:>[ \t]?)*(?:[-*+][ \t]+)?")

# Bounded or unpaired, each: looking for the other end of an unclosed mark would take quadratic time.
_SPANS = (
    (re.compile(r"</?[A-Za-z][^<>]{0,500}>"), ""),
    (re.compile(r"!\[[^\[\]]{0,500}\]\([^()]{0,1000}\)"), ""),
    (re.compile(r"\[\^[^\[\]\s]{1,60}\]"), ""),
    (re.compile(r"\[([^\[\]]{1,500})\](?:\([^()]{0,1000}\)|\[[^\[\]]{0,200}\])"), r"\1"),
    (re.compile(r"(?<![\w\\*_~])(?:[*_]{1,3}|~~)(?=[^\s*_~])"), ""),
    (re.compile(r"(?<=[^\s\\*_~])(?:[*_]{1,3}|~~)(?![\w*_~])"), ""),
    (re.compile(r"(?<!\\)`{1,2}"), ""),
    (re.compile(r"\\([!-/:-@\[-`{-~])"), r"\1"),
)


def has_headings(text: str) -> bool:
    """Whether a plain text holds a line such as `## Chapter`."""
    return bool(_HEADING_LINE.search(text))


def read_markdown(text: str, name: str) -> Book:
    """The book in a Markdown text; `name` titles it where it does not say so itself."""
    text = clean(text)
    text = _without_comments(text)
    fields: dict[str, str] = {}
    if front := _FRONT_MATTER.match(text):
        fields = dict(_FIELD.findall(front[1]))
        text = text[front.end() :]
    paragraphs = list(_paragraphs(text))
    levels = [paragraph.level for paragraph in paragraphs if paragraph.level]
    first = next((paragraph.text for paragraph in paragraphs if paragraph.level), "")
    own_title = title_of(first) if levels[:1] == [1] and levels.count(1) == 1 and 2 in levels else ""
    if levels.count(1) > 1 and _top_level_has_prose(paragraphs):
        paragraphs = [replace(each, level=0) if each.level == 2 else each for each in paragraphs]
    language = fields.get("language") or fields.get("lang") or guess_language(text)
    title = fields.get("title") or own_title or name
    return Book(
        title_of(title), title_of(fields.get("author", "")), language, to_chapters(paragraphs, title, own_title)
    )


def _top_level_has_prose(paragraphs: list[Paragraph]) -> bool:
    return any(this.level == 1 and not following.level for this, following in itertools.pairwise(paragraphs))


def _paragraphs(text: str) -> Iterator[Paragraph]:
    for lines in blocks(text):
        prose: list[str] = []
        for line in lines:
            if heading := _HEADING.match(line):
                yield from _prose(prose)
                prose = []
                yield from _heading(heading[2], len(heading[1]))
            elif prose and _UNDERLINE.match(line):
                yield from _heading(" ".join(prose), 1 if line[0] == "=" else 2)
                prose = []
            elif _RULE.match(line):
                yield from _prose(prose)
                prose = []
                yield Paragraph("***")
            elif not line.startswith("```"):
                prose.append(_LINE_MARK.sub("", line))
        yield from _prose(prose)


def _heading(text: str, level: int) -> Iterator[Paragraph]:
    if words := _unmarked(text):
        yield Paragraph(words, level if level <= 2 else 0)


def _prose(lines: list[str]) -> Iterator[Paragraph]:
    if text := _unmarked("\n".join(lines)):
        yield Paragraph(text)


def _unmarked(text: str) -> str:
    for pattern, kept in _SPANS:
        text = pattern.sub(kept, text)
    return html.unescape(text).strip()


def _without_comments(text: str) -> str:
    *closed, rest = text.split("-->")
    kept = []
    for part in closed:
        before, opened, _ = part.partition("<!--")
        kept.append(before if opened else part + "-->")
    return "".join(kept) + rest
