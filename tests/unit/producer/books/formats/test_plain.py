"""Plain text becomes chapters by the lines that say so."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from producer.books.formats.plain import read_plain
from producer.books.reader import Book, Chapter, read_book


def letters(text: str) -> str:
    return "".join(char for char in text if char.isalnum())


def titles(book: Book) -> list[str]:
    return [chapter.title for chapter in book.chapters]


def test_a_text_without_heading_is_one_chapter_named_after_the_file(tmp_path: Path) -> None:
    path = tmp_path / "A day.txt"
    path.write_text("It rained.\n\nIt stopped.", encoding="utf-8")
    book = read_book(path)
    assert book.chapters == (Chapter("A day", "It rained.\n\nIt stopped."),)
    assert book.language == "en"


def test_text_before_the_first_heading_is_a_chapter_of_its_own() -> None:
    book = read_plain("For you.\n\nChapter 1\n\nOne.\n\nChapter 2\nTwo.", "novel")
    assert book.chapters == (
        Chapter("novel", "For you."),
        Chapter("Chapter 1", "Chapter 1\n\nOne."),
        Chapter("Chapter 2", "Chapter 2\n\nTwo."),
    )


def test_signs_before_the_first_heading_are_no_chapter() -> None:
    assert titles(read_plain("***\n\nChapter 1\n\nOne.", "novel")) == ["Chapter 1"]


def test_a_part_without_prose_joins_its_first_chapter() -> None:
    book = read_plain("PART II\n\nCHAPTER IX\n\nText.\n\nCHAPTER X\n\nMore.", "n")
    assert titles(book) == ["PART II: CHAPTER IX", "CHAPTER X"]
    assert book.chapters[0].text == "PART II\n\nCHAPTER IX\n\nText."


@pytest.mark.parametrize("between", ["\n", "\n\n"])
def test_a_table_of_contents_makes_no_chapters(between: str) -> None:
    contents = between.join(["CHAPTER I", "CHAPTER II", "CHAPTER III"])
    book = read_plain(f"Contents\n\n{contents}\n\nCHAPTER I\n\nA.\n\nCHAPTER II\n\nB.\n\nCHAPTER III\n\nC.", "n")
    assert titles(book) == ["n", "CHAPTER I", "CHAPTER II", "CHAPTER III"]


def test_lone_roman_numbers_are_chapters_only_where_nothing_else_is() -> None:
    assert titles(read_plain("I\n\nOne.\n\nII\n\nTwo.", "n")) == ["I", "II"]
    assert titles(read_plain("Chapter 1\n\nI\n\nOne.\n\nII\n\nTwo.", "n")) == ["Chapter 1"]


def test_in_a_file_without_blank_lines_each_long_line_is_a_paragraph() -> None:
    long = "Hắn vừa đi vừa chửi, bao giờ cũng thế. " * 5
    book = read_plain(f"Chương 1: Về\n{long}\n- Đi đâu?\nChương 2: Đi\n{long}", "n")
    assert titles(book) == ["Chương 1: Về", "Chương 2: Đi"]
    assert book.chapters[0].text.split("\n\n") == ["Chương 1: Về", long.strip(), "- Đi đâu?"]


def test_project_gutenberg_s_licence_is_left_out_and_listed() -> None:
    start, end = (f"*** {word} OF THE PROJECT GUTENBERG EBOOK X ***" for word in ("START", "END"))
    book = read_plain(f"Legal.\n{start}\n\nStory.\n\n{end}\nMore", "n")
    assert [chapter.text for chapter in book.chapters] == ["Story."]
    assert book.left_out == ("Project Gutenberg's header and licence",)


@hypothesis_settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from(["Chapter 1", "PART II", "IV", "Prose here.", "x" * 170, "***", "Chương 2: Gió", "\n", "a\nb"]),
        max_size=30,
    ),
    st.sampled_from(["\n", "\n\n"]),
)
def test_no_letter_of_a_plain_text_is_lost(lines: list[str], between: str) -> None:
    text = between.join(lines)
    assert letters("".join(chapter.text for chapter in read_plain(text, "n").chapters)) == letters(text)
