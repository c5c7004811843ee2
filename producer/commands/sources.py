"""The input files of a command, read as books, and names for its output files.

Reads all of them before anything is sent or started. Writes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from producer.files.names import safe_name
from tasks.errors import InvalidInput

if TYPE_CHECKING:
    from producer.books.reader import Book, Chapter


@dataclass(frozen=True)
class Source:
    """A file that was read, and its chosen chapters with their numbers in the book."""

    path: Path
    book: Book
    chapters: Sequence[tuple[int, Chapter]]

    @property
    def name(self) -> str:
        """The book's title as a name for a file or folder; the file's own name if it has no title."""
        return safe_name(self.book.title, safe_name(self.path.stem))


def read_sources(paths: Sequence[Path], selection: str | None) -> list[Source]:
    """The books in these files, in order, with the chapters in `selection` (`1-3,5`).

    Raises `InvalidInput` that names each file, or chapter, at fault.
    """
    from producer.books.reader import read_book, select_chapters

    sources, faults = [], []
    for path in paths:
        try:
            book = read_book(path)
            sources.append(Source(path, book, select_chapters(book, selection or None)))
        except InvalidInput as exc:
            faults.append(str(exc))
    if faults:
        raise InvalidInput("; ".join(dict.fromkeys(faults)))
    return sources


def free_path(folder: Path, name: str, ending: str, taken: Collection[Path | None]) -> Path:
    """`name` + `ending` in the folder; with ` (2)`, ` (3)` … after the name if the path exists."""
    path, number = folder / f"{name}{ending}", 2
    while path in taken:
        path, number = folder / f"{name} ({number}){ending}", number + 1
    return path
