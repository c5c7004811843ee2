"""What an EPUB says of itself: its pages, its names, and what it lacks."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from producer.books.reader import read_book
from tests.unit.producer.books.formats.epubs import (
    CONTAINER,
    package,
    page,
    refusal,
    write_epub,
)


def test_names_with_spaces_and_utf_16_pages_are_read(tmp_path: Path) -> None:
    opf = package([], '<item id="a" href="my%20page.xhtml" media-type="application/xhtml+xml"/>')
    opf = opf.replace("<spine ></spine>", '<spine><itemref idref="a"/></spine>')
    text = page("<p>Được</p>").replace("utf-8", "utf-16").encode("utf-16")
    path = write_epub(tmp_path / "a.epub", {"OPS/book.opf": opf, "OPS/my page.xhtml": text})
    assert read_book(path).chapters[0].text == "Được"


def test_a_zip_that_is_no_epub_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.epub"
    with zipfile.ZipFile(path, "w") as made:
        made.writestr("word/document.xml", "<x/>")
    assert "no EPUB" in refusal(path)
    with zipfile.ZipFile(path, "w") as made:
        made.writestr("mimetype", "application/vnd.oasis.opendocument.text")
        made.writestr("META-INF/container.xml", CONTAINER)
    assert "no EPUB" in refusal(path)


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({}, "OPS/book.opf is named in it, and is not there"),
        ({"OPS/book.opf": ""}, "damaged"),
        ({"OPS/book.opf": "not xml"}, "damaged"),
        ({"OPS/book.opf": package([])}, "reading order names no text"),
        ({"OPS/book.opf": package(["gone"])}, "OPS/gone.xhtml is named in it, and is not there"),
        ({"OPS/book.opf": package(["a"]), "OPS/a.xhtml": page("<img src='x.png'/>")}, "no text that could be read"),
        ({"OPS/book.opf": package(["a"]), "OPS/a.xhtml": ""}, "no text that could be read"),
    ],
)
def test_an_epub_without_what_it_promises_is_refused(tmp_path: Path, members: dict[str, str], words: str) -> None:
    assert words in refusal(write_epub(tmp_path / "a.epub", members))


def encryption(member: str) -> str:
    return (
        '<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><EncryptedData '
        'xmlns="http://www.w3.org/2001/04/xmlenc#"><EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#aes256-cbc"/>'
        f'<CipherData><CipherReference URI="{member}"/></CipherData></EncryptedData></encryption>'
    )


def test_an_encrypted_book_is_refused_and_encrypted_fonts_are_not(tmp_path: Path) -> None:
    members = {"OPS/book.opf": package(["a"]), "OPS/a.xhtml": page("<p>Text.</p>")}
    path = write_epub(tmp_path / "a.epub", {**members, "META-INF/encryption.xml": encryption("OPS/a.xhtml")})
    assert "encrypted (DRM)" in refusal(path)
    path = write_epub(tmp_path / "b.epub", {**members, "META-INF/encryption.xml": encryption("OPS/f.otf")})
    assert read_book(path).chapters[0].text == "Text."
