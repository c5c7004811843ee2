"""The result of reading any format: a book of titled chapters; also cleans its characters."""

from __future__ import annotations

from dataclasses import dataclass

from tasks.text.normalise import is_speakable, normalise

MAX_TITLE_CHARS = 200
"""A longer title is cut short; the chapter's text still has the whole heading."""

_UNSEEN = dict.fromkeys(map(ord, "\u00ad\u200b\u2060\ufeff"))
"""Soft hyphen, zero-width space, word joiner, byte order mark: they guide printing, and are not spoken."""


@dataclass(frozen=True)
class Chapter:
    """A chapter; its text begins with its heading, so that the heading is spoken too."""

    title: str
    text: str


@dataclass(frozen=True)
class Book:
    """A book in reading order. `left_out` names what was not read: cover, contents, colophon, …

    `language` is the file's own word for it (`en-GB`), else a guess, else None.
    """

    title: str
    author: str
    language: str | None
    chapters: tuple[Chapter, ...]
    left_out: tuple[str, ...] = ()


def clean(text: str) -> str:
    """The text normalised, without characters that are neither shown nor spoken."""
    return normalise(text.translate(_UNSEEN))


def title_of(text: str) -> str:
    """A title in one line, at most `MAX_TITLE_CHARS` characters."""
    line = " ".join(clean(text).split())
    return line if len(line) <= MAX_TITLE_CHARS else line[: MAX_TITLE_CHARS - 1].rstrip() + "…"


def join_titles(*titles: str) -> str:
    """«Part Two: Chapter I» of the titles that are not empty."""
    return title_of(": ".join(title for title in titles if title))


def has_words(chapter: Chapter) -> bool:
    """Whether there is anything to speak in the chapter."""
    return is_speakable(chapter.text)
