"""A reading of two chapters that no broker knows of."""

from __future__ import annotations

from pathlib import Path

from producer import Client
from producer.books.formats.book import Chapter
from producer.reading.reading import Reading
from producer.reading.request import ReadingRequest
from tasks.messages import Speaking


def two_chapters() -> Reading:
    """«[red]One[/red]» and «Two» of «Book», both waiting."""
    chapters = [(1, Chapter("[red]One[/red]", "One.")), (2, Chapter("Two", "Two."))]
    request = ReadingRequest(Path("book.txt"), "Book", chapters, Speaking(model="espeak"), Path("out"), "wav")
    return Reading(Client(), request)
