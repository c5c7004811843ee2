"""Reads a file into a book of titled chapters: plain text, Markdown or EPUB. Asks for no work.

The content of a file decides what it is read as, not its name (the name only decides between
Markdown and plain text). Every file that cannot be read is an `InvalidInput` of one line that
begins with its name and says what would do. Nothing is written, and nothing fetched.
"""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from producer.books.formats.book import Book, Chapter
from producer.books.formats.epub import read_epub
from producer.books.formats.markdown import has_headings, read_markdown
from producer.books.formats.plain import read_plain
from producer.files.given_file import first_bytes
from tasks.errors import InvalidInput

__all__ = ["Book", "Chapter", "read_book", "select_chapters"]

MAX_TEXT_BYTES = 64 * 1024**2
"""A longer text file is no book; the whole of `War and Peace` takes 3.4 MB."""

MAX_EPUB_BYTES = 1024**3
"""An EPUB may be full of pictures, which are never read."""

_ZIP_MARKS = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_FOREIGN = (
    (b"%PDF", "a PDF"),
    (b"\xd0\xcf\x11\xe0", "an old Word document"),
    (b"{\\rtf", "an RTF document"),
    (b"BOOKMOBI", "a Kindle book"),
)
_RANGE = re.compile(r"^(\d{1,6})(?:\s*-\s*(\d{1,6})?)?$")


def read_book(path: str | Path) -> Book:
    """The book in the file, with at least one chapter that can be spoken."""
    path = Path(path)
    start = first_bytes(path, "a text, Markdown or EPUB file")
    for mark, kind in _FOREIGN:
        if mark in (start[: len(mark)], start[60:68]):
            raise InvalidInput(f"{path}: {kind} cannot be read; convert it to EPUB or plain text")
    if start.startswith(_ZIP_MARKS):
        _limit(path, MAX_EPUB_BYTES)
        return read_epub(path)
    if path.suffix.lower() == ".epub":
        raise InvalidInput(f"{path}: no EPUB: it does not begin as a zip archive does; get the file again")
    _limit(path, MAX_TEXT_BYTES)
    text = _decode(path)
    book = _read_text(text, path)
    if not book.chapters:
        raise InvalidInput(f"{path}: holds nothing to speak: no letter and no digit")
    return book


def select_chapters(book: Book, selection: str | None) -> list[tuple[int, Chapter]]:
    """The chapters that `1-3,5` or `7-` names (None: all), as (number from 1, chapter), each once, in order."""
    if selection is None:
        return list(enumerate(book.chapters, 1))
    count = len(book.chapters)
    exists = f"the book has chapters 1 to {count}" if count > 1 else "the book has one chapter"
    wanted: set[int] = set()
    for item in selection.split(","):
        found = _RANGE.match(item.strip())
        if not found:
            raise InvalidInput(f"chapters: {item.strip()!r} is no chapter and no range such as 1-3; {exists}")
        first = int(found[1])
        last = int(found[2]) if found[2] else count if "-" in item else first
        if not 1 <= first <= last <= count:
            raise InvalidInput(f"chapters: there is no {item.strip()}; {exists}")
        wanted.update(range(first, last + 1))
    return [(number, book.chapters[number - 1]) for number in sorted(wanted)]


def _limit(path: Path, most: int) -> None:
    if path.stat().st_size > most:
        raise InvalidInput(f"{path}: larger than {most // 1024**2} MB, the most that is read; divide it")


def _decode(path: Path) -> str:
    data = path.read_bytes()
    utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = data.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError as exc:
        at = f"byte {exc.start + 1}"
        raise InvalidInput(f"{path}: not UTF-8 ({at} is not); save it as UTF-8, or give an EPUB") from exc
    if "\0" in text:
        raise InvalidInput(f"{path}: no text: it holds zero bytes; give plain text, Markdown or EPUB")
    return text


def _read_text(text: str, path: Path) -> Book:
    if path.suffix.lower() in (".md", ".markdown"):
        book = read_markdown(text, path.stem)
        # A file may be called Markdown and have chapters as plain text does.
        return book if has_headings(text) or len(book.chapters) > 1 else _with_more(book, read_plain(text, path.stem))
    book = read_plain(text, path.stem)
    return _with_more(book, read_markdown(text, path.stem)) if has_headings(text) else book


def _with_more(book: Book, other: Book) -> Book:
    """The reading that found more chapters; in doubt the first."""
    return other if len(other.chapters) > len(book.chapters) else book
