"""Zip files that are damaged, too large or hostile get one clear line."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import pytest

from producer.books.formats import archive
from tests.unit.producer.books.formats.epubs import (
    CONTAINER,
    NOVEL,
    copy,
    package,
    page,
    refusal,
    simple_epub,
    write_epub,
)


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.99])
def test_a_damaged_zip_is_refused(tmp_path: Path, share: float) -> None:
    data = NOVEL.read_bytes()
    path = tmp_path / "a.epub"
    path.write_bytes(data[: int(len(data) * share)])
    assert "damaged" in refusal(path)


def test_a_changed_byte_inside_a_chapter_is_noticed(tmp_path: Path) -> None:
    path = copy(NOVEL, tmp_path / "a.epub")
    with zipfile.ZipFile(path) as source:
        info = source.getinfo("epub/text/chapter-7.xhtml")
    data = bytearray(path.read_bytes())
    data[info.header_offset + 30 + len(info.filename) + info.compress_size // 2] ^= 0xFF
    path.write_bytes(data)
    assert "damaged at epub/text/chapter-7.xhtml" in refusal(path)


def test_a_zip_bomb_is_refused_by_what_it_unpacks_to_whatever_its_header_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "MAX_ENTRY_BYTES", 3 * 1024**2)
    body = b"<html><body><p>" + b"a " * (8 * 1024**2)
    path = write_epub(tmp_path / "a.epub", {"OPS/book.opf": package(["a"]), "OPS/a.xhtml": body})
    assert "100 times its size" in refusal(path)
    data = path.read_bytes()
    lied = data.replace(struct.pack("<L", len(body)), struct.pack("<L", 1000))
    assert lied != data
    path.write_bytes(lied)
    assert "OPS/a.xhtml" in refusal(path)
    monkeypatch.setattr(archive, "MAX_RATIO", 10_000)
    path.write_bytes(data)
    assert "unpacks to more than is read" in refusal(path)


def test_too_much_text_in_all_and_too_many_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_TOTAL_BYTES", 200_000)
    assert "unpacks to more" in refusal(copy(NOVEL, tmp_path / "a.epub"))
    monkeypatch.setattr(archive, "MAX_ENTRIES", 30)
    assert "holds 36 files; at most 30" in refusal(tmp_path / "a.epub")


def test_a_password_and_a_foreign_packing_are_refused(tmp_path: Path) -> None:
    path = simple_epub(tmp_path / "a.epub", "<p>Text.</p>")
    path.write_bytes(_with_every_header(path.read_bytes(), 6, 1))
    assert "password" in refusal(path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_BZIP2) as made:
        made.writestr("META-INF/container.xml", CONTAINER)
    assert "packed in a way" in refusal(path)


def _with_every_header(data: bytes, offset: int, flag: int) -> bytes:
    """Set a flag in each local header and each entry of the directory of a zip."""
    out = bytearray(data)
    for mark, shift in ((b"PK\x03\x04", offset), (b"PK\x01\x02", offset + 2)):
        at = data.find(mark)
        while at >= 0:
            out[at + shift] |= flag
            at = data.find(mark, at + 4)
    return bytes(out)


def test_a_member_that_points_outside_touches_no_disk(tmp_path: Path) -> None:
    opf = package(["a"]).replace('href="a.xhtml"', 'href="../../../../etc/passwd"')
    path = write_epub(tmp_path / "a.epub", {"OPS/book.opf": opf, "../evil.xhtml": page("<p>x</p>")})
    assert "is not there" in refusal(path)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.epub"]
