"""Files become books: the examples in full, and what cannot be read gets one clear line."""

from __future__ import annotations

import codecs
import os
import xml.etree.ElementTree as ElementTree
import zipfile
from pathlib import Path

import pytest

from producer.books.formats.book import clean
from producer.books.reader import Book, Chapter, read_book, select_chapters
from tasks.errors import InvalidInput
from tasks.text.split import split

EXAMPLES = Path(__file__).resolve().parents[4] / "examples"
NOVEL = EXAMPLES / "love-among-the-chickens.epub"


def refusal(path: Path) -> str:
    with pytest.raises(InvalidInput) as caught:
        read_book(path)
    said = str(caught.value)
    assert said.startswith(f"{path}: ")
    assert "\n" not in said
    return said


def letters(text: str) -> str:
    return "".join(char for char in text if char.isalnum())


def test_the_novel_gives_its_23_chapters_with_their_titles_and_nothing_else() -> None:
    book = read_book(NOVEL)
    assert (book.title, book.author, book.language) == ("Love Among the Chickens", "P. G. Wodehouse", "en-GB")
    assert len(book.chapters) == 23
    assert book.chapters[0].title == "I: A Letter with a Postscript"
    assert book.chapters[5].title == "VI: Mr. Garnet’s Narrative—Has to Do with a Reunion"
    assert book.chapters[22].title == "XXIII: After the Storm"
    assert book.left_out == (
        "Titlepage",
        "Imprint",
        "Dedication",
        "Love Among the Chickens",
        "Colophon",
        "Uncopyright",
    )


def test_no_letter_of_the_novel_is_lost_or_added() -> None:
    book = read_book(NOVEL)
    with zipfile.ZipFile(NOVEL) as source:
        for number, chapter in enumerate(book.chapters, 1):
            root = ElementTree.fromstring(source.read(f"epub/text/chapter-{number}.xhtml"))
            body = root.find("{http://www.w3.org/1999/xhtml}body")
            assert body is not None
            assert letters(chapter.text) == letters(clean("".join(body.itertext())))
    assert sum(len(chapter.text.split()) for chapter in book.chapters) == 50_094


def test_the_novel_keeps_its_scene_breaks_and_no_sign_that_is_not_seen() -> None:
    text = "\n\n".join(chapter.text for chapter in read_book(NOVEL).chapters)
    assert text.split("\n\n").count("***") == 10
    assert not set("\u00ad\u200b\u2060\ufeff") & set(text)


def test_the_vietnamese_text_gives_two_chapters_that_begin_with_their_headings() -> None:
    book = read_book(EXAMPLES / "chi-pheo.txt")
    assert [chapter.title for chapter in book.chapters] == ["CHƯƠNG I", "CHƯƠNG II"]
    assert (book.title, book.language) == ("chi-pheo", "vi")
    assert book.chapters[0].text.startswith("CHƯƠNG I\n\nHắn vừa đi vừa chửi.")
    assert "ta,\nChữ tài" in book.chapters[1].text


def test_the_english_chapter_is_the_novel_s_first_under_its_heading() -> None:
    (chapter,) = read_book(EXAMPLES / "chapter-en.txt").chapters
    first = read_book(NOVEL).chapters[0]
    assert chapter.title == "CHAPTER I: A Letter with a Postscript"
    assert letters(chapter.text) == "CHAPTER" + letters(first.text)


def test_a_missing_file_a_folder_and_an_empty_file_are_named(tmp_path: Path) -> None:
    assert "no such file" in refusal(tmp_path / "none.txt")
    assert "a folder" in refusal(tmp_path)
    (tmp_path / "e.txt").touch()
    assert "empty" in refusal(tmp_path / "e.txt")


def test_a_pipe_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "ordinary file" in refusal(tmp_path / "pipe")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("Où".encode("latin-1"), "not UTF-8 (byte 2 "),
        (b"ab\0cd", "zero bytes"),
        (b" \n***\n", "nothing to speak"),
        (b"%PDF-1.7 \xff", "a PDF cannot be read"),
        (b"\xff\xfea", "not UTF-8"),
    ],
)
def test_bytes_that_are_no_text_are_refused(tmp_path: Path, data: bytes, words: str) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(data)
    assert words in refusal(path)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_understood(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("Chương 1\n\nĐược".encode(encoding))
    assert read_book(path).chapters == (Chapter("Chương 1", "Chương 1\n\nĐược"),)
    assert codecs.BOM_UTF8.decode() not in read_book(path).chapters[0].text


def test_what_a_file_is_decides_its_content_and_not_its_name(tmp_path: Path) -> None:
    disguised = tmp_path / "novel.txt"
    disguised.write_bytes(NOVEL.read_bytes())
    assert len(read_book(disguised).chapters) == 23
    path = tmp_path / "a.epub"
    path.write_text("Just text.", encoding="utf-8")
    assert "no EPUB" in refusal(path)


FIVE = Book("b", "", None, tuple(Chapter(f"c{n}", f"t{n}") for n in range(1, 6)))


@pytest.mark.parametrize(
    ("selection", "numbers"),
    [("1-3,5", [1, 2, 3, 5]), ("4", [4]), ("4-", [4, 5]), (" 2 , 1-2 ", [1, 2]), ("5,1", [1, 5])],
)
def test_chapters_are_chosen_by_number_each_once_and_in_order(selection: str, numbers: list[int]) -> None:
    assert select_chapters(FIVE, selection) == [(n, FIVE.chapters[n - 1]) for n in numbers]


@pytest.mark.parametrize("selection", ["", "0", "6", "2-9", "3-1", "x", "1,,2", "-2", "1–3", "99999999999"])
def test_a_wrong_choice_is_told_what_there_is(selection: str) -> None:
    with pytest.raises(InvalidInput, match=r"^chapters: .*the book has chapters 1 to 5$"):
        select_chapters(FIVE, selection)


def test_the_text_of_a_chapter_splits_into_pieces_that_begin_with_its_heading() -> None:
    pieces = split(read_book(NOVEL).chapters[3].text)
    assert [piece.text for piece in pieces[:2]] == ["IV", "The Arrival"]
    assert all(piece.opens_paragraph for piece in pieces[:2])
