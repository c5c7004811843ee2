"""Plain text to a book: chapters by the lines that say so («CHAPTER XIV», «Chương 12: …»). Pure.

A file without headings is one chapter named after the file. Text before the first heading
is a chapter of its own. A heading with nothing below it joins the next («PART II» before
«CHAPTER IX»); a list of headings is a table of contents, and stays ordinary text. No
paragraph is left out but Project Gutenberg's licence around its books.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from producer.books.formats.book import Book, Chapter, clean, has_words, join_titles, title_of
from producer.books.formats.headings import is_heading, is_lone_roman
from tasks.text.language import guess_language

WRAPPED_LINE_CHARS = 160
"""No file is wrapped wider: where a line is longer, each line is a paragraph of its own."""

PART, CHAPTER, SECTION = 1, 2, 3
"""Levels of a heading; the smaller one is higher."""

_PART = re.compile(r"^(?:part|book|volume|phần|quyển|tập)\b", re.IGNORECASE)
_GUTENBERG_START = re.compile(r"^\*\*\* ?START OF TH(?:E|IS) PROJECT GUTENBERG EBOOK[^\n]*\n", re.MULTILINE)
_GUTENBERG_END = re.compile(r"^\*\*\* ?END OF TH(?:E|IS) PROJECT GUTENBERG EBOOK", re.MULTILINE)


@dataclass(frozen=True)
class Paragraph:
    """A paragraph of the book; `level` is 0 for prose, else the level of the heading (1 is highest)."""

    text: str
    level: int = 0


def read_plain(text: str, name: str) -> Book:
    """The book in a plain text; `name` titles it, and a chapter that has no heading."""
    text = clean(text)
    left_out: tuple[str, ...] = ()
    start = _GUTENBERG_START.search(text)
    end = _GUTENBERG_END.search(text, start.end()) if start else None
    if start and end:
        text = text[start.end() : end.start()]
        left_out = ("Project Gutenberg's header and licence",)
    chapters = to_chapters(list(_paragraphs(text)), name)
    return Book(name, "", guess_language(text), chapters, left_out)


def to_chapters(paragraphs: list[Paragraph], name: str, book_title: str = "") -> tuple[Chapter, ...]:
    """Paragraphs gathered below their headings, in order; those with nothing to speak are dropped.

    A heading equal to `book_title` is spoken, but is not part of a chapter's title.
    """
    chapters: list[Chapter] = []
    titles: list[str] = []
    texts: list[str] = []
    prose = False
    for paragraph in [*_without_contents(paragraphs), Paragraph("", PART)]:
        last = not paragraph.text
        if paragraph.level and (prose or last):
            chapters.append(Chapter(join_titles(*titles) or name, "\n\n".join(texts)))
            titles, texts, prose = [], [], False
        if paragraph.level and title_of(paragraph.text) != book_title:
            titles.append(title_of(paragraph.text))
        prose = prose or not paragraph.level
        texts.append(paragraph.text)
    return tuple(chapter for chapter in chapters if has_words(chapter))


def _without_contents(paragraphs: list[Paragraph]) -> list[Paragraph]:
    """Of headings in a row, only the last that go from high to low are headings; the rest are contents."""
    kept: list[Paragraph] = []
    below = 0  # the level of the heading right after this one; 0 where prose follows
    listed = False
    for paragraph in reversed(paragraphs):
        if not paragraph.level:
            below, listed = 0, False
        else:
            listed = listed or 0 < below <= paragraph.level
            below = paragraph.level
        kept.append(replace(paragraph, level=0) if listed else paragraph)
    return kept[::-1]


def _paragraphs(text: str) -> Iterator[Paragraph]:
    found = [paragraph for block in blocks(text) for paragraph in _read_block(block)]
    numbers_sections = any(paragraph.level == CHAPTER for paragraph in found)
    for paragraph in found:
        section = paragraph.level == SECTION and numbers_sections
        yield replace(paragraph, level=0) if section else paragraph


def blocks(text: str) -> Iterator[list[str]]:
    """Runs of lines between blank ones, each line without the white space at its ends."""
    lines: list[str] = []
    for line in [*text.split("\n"), ""]:
        if stripped := line.strip():
            lines.append(stripped)
        elif lines:
            yield lines
            lines = []


def _read_block(lines: list[str]) -> Iterator[Paragraph]:
    if max(map(len, lines)) > WRAPPED_LINE_CHARS:
        yield from (Paragraph(line, _level(line)) for line in lines)
        return
    level = _level(lines[0])
    if len(lines) == 1 and is_lone_roman(lines[0]):
        level = SECTION
    if level and len(lines) > 1 and not _level(lines[1]):
        yield Paragraph(lines[0], level)
        yield Paragraph("\n".join(lines[1:]))
    else:
        yield Paragraph("\n".join(lines), level if len(lines) == 1 else 0)


def _level(line: str) -> int:
    if not is_heading(line):
        return 0
    return PART if _PART.match(line) else CHAPTER
