"""Markup from strangers: read where it can be, never expanded nor fetched."""

from __future__ import annotations

from pathlib import Path

import pytest

from producer.books.formats import archive
from producer.books.reader import read_book
from tests.unit.producer.books.formats.epubs import (
    package,
    refusal,
    simple_epub,
    write_epub,
)


def test_markup_that_is_not_well_formed_is_read_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "a.epub"
    write_epub(path, {"OPS/book.opf": package(["one"]), "OPS/one.xhtml": "<html><body><p>One & two<br><p>Three"})
    assert read_book(path).chapters[0].text == "One & two\n\nThree"


def test_entities_that_a_file_declares_itself_are_neither_expanded_nor_fetched(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("SECRET", encoding="utf-8")
    bomb = '<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">'
    for prolog in ("", " " * 20_000 + "<!-- far from the beginning -->"):
        doctype = f'<!DOCTYPE html [<!ENTITY x SYSTEM "{secret.as_uri()}">{bomb}]>'
        text = f"{prolog}{doctype}<html><body><p>A &x; &b; z</p></body></html>"
        path = write_epub(tmp_path / "a.epub", {"OPS/book.opf": package(["one"]), "OPS/one.xhtml": text})
        said = read_book(path).chapters[0].text
        assert "SECRET" not in said
        assert "ha" not in said
        assert said.endswith("z")


def test_a_long_page_is_read_to_its_end_and_one_too_deep_is_refused(tmp_path: Path) -> None:
    long = simple_epub(tmp_path / "a.epub", f"<p>{'xin chào ' * 1_300_000}</p><p>End</p>")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(archive, "MAX_RATIO", 10_000)
        assert read_book(long).chapters[0].text.endswith("\n\nEnd")
    assert "OPS/one.xhtml cannot be read" in refusal(simple_epub(tmp_path / "b.epub", "<div>" * 9000 + "x"))


def test_references_to_no_character_are_dropped(tmp_path: Path) -> None:
    path = simple_epub(tmp_path / "a.epub", "<p>a&#xD800;b&#0;c&#55296;d&#99999999;e&#233;</p>")
    assert read_book(path).chapters[0].text == "abcdeé"
