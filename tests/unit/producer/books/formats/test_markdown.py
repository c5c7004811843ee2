"""Markdown becomes chapters by its headings, without its marks."""

from __future__ import annotations

from pathlib import Path

from producer.books.formats.markdown import read_markdown
from producer.books.reader import Book, Chapter, read_book


def titles(book: Book) -> list[str]:
    return [chapter.title for chapter in book.chapters]


def test_markdown_gives_chapters_by_heading_and_takes_the_marks_off(tmp_path: Path) -> None:
    path = tmp_path / "book.md"
    path.write_text(
        "# The *Sea*\n\n## One\n\nHe **ran** to [the house](http://x.y/z), _fast_.[^1] "
        "<!-- no\n\nno -->A **_b_**, c.\n\n---\n\n> “So?”\n\n"
        "Two\n---\n\n![map](a.png)\n\nA &amp; B \\* `c`\n\n### Deeper\n\n- end_of_it\n",
        encoding="utf-8",
    )
    book = read_book(path)
    assert book.title == "The Sea"
    assert book.chapters == (
        Chapter("One", "The Sea\n\nOne\n\nHe ran to the house, fast. A b, c.\n\n***\n\n“So?”"),
        Chapter("Two", "Two\n\nA & B * c\n\nDeeper\n\nend_of_it"),
    )


def test_where_the_first_level_has_prose_the_second_is_no_chapter() -> None:
    assert titles(read_markdown("# A\n\nText.\n\n## a\n\nText.\n\n# B\n\nText.", "n")) == ["A", "B"]


def test_where_the_first_level_only_groups_it_joins_the_second() -> None:
    assert titles(read_markdown("# A\n\n## a\n\nText.\n\n## b\n\nT.\n\n# B\n\n## c\n\nText.", "n")) == [
        "A: a",
        "b",
        "B: c",
    ]


def test_front_matter_names_the_book_and_is_not_read() -> None:
    book = read_markdown('---\ntitle: "Sóng"\nauthor: X. Quỳnh\nlang: vi\n---\n# Một\n\nDữ dội và dịu êm.', "n")
    assert (book.title, book.author, book.language) == ("Sóng", "X. Quỳnh", "vi")
    assert book.chapters == (Chapter("Một", "Một\n\nDữ dội và dịu êm."),)


def test_a_text_file_with_markdown_headings_is_read_as_such(tmp_path: Path) -> None:
    path = tmp_path / "b.txt"
    path.write_text("# One\n\nText.\n\n# Two\n\nText.", encoding="utf-8")
    assert titles(read_book(path)) == ["One", "Two"]
