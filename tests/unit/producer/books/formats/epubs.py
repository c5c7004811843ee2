"""EPUBs that tests write, page by page, and the one line that refuses a bad one."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from producer.books.reader import read_book
from tasks.errors import InvalidInput

NOVEL = Path(__file__).resolve().parents[5] / "examples" / "love-among-the-chickens.epub"

CONTAINER = (
    '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container" version="1.0"><rootfiles>'
    '<rootfile full-path="OPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
)
NAV_HEAD = '<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops"><body>'
NAV_ITEM = '<item id="nav" href="nav.xhtml" properties="nav" media-type="application/xhtml+xml"/>'


def page(body: str, attributes: str = "") -> str:
    return (
        '<?xml version="1.0" encoding="utf-8"?><html xmlns="http://www.w3.org/1999/xhtml" '
        f'xmlns:epub="http://www.idpf.org/2007/ops"><head><title>x</title></head><body {attributes}>'
        f"{body}</body></html>"
    )


def package(spine: list[str], extra: str = "", toc: str = "", after: str = "") -> str:
    items = "".join(f'<item id="{name}" href="{name}.xhtml" media-type="application/xhtml+xml"/>' for name in spine)
    refs = "".join(f'<itemref idref="{name}"/>' for name in spine)
    return (
        '<package xmlns="http://www.idpf.org/2007/opf" version="3.0"><metadata '
        'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>The Book</dc:title><dc:creator>A. Writer</dc:creator>'
        f"<dc:language>en-GB</dc:language></metadata><manifest>{items}{extra}</manifest>"
        f"<spine {toc}>{refs}</spine>{after}</package>"
    )


def nav(*links: tuple[str, str]) -> str:
    lines = "".join(f'<li><a href="{href}">{title}</a></li>' for href, title in links)
    return f'{NAV_HEAD}<nav epub:type="toc"><ol>{lines}</ol></nav></body></html>'


def write_epub(path: Path, members: Mapping[str, str | bytes], container: str | None = CONTAINER) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("mimetype", "application/epub+zip", zipfile.ZIP_STORED)
        if container is not None:
            made.writestr("META-INF/container.xml", container)
        for name, data in members.items():
            made.writestr(name, data)
    return path


def simple_epub(path: Path, body: str, attributes: str = "") -> Path:
    return write_epub(path, {"OPS/book.opf": package(["one"]), "OPS/one.xhtml": page(body, attributes)})


def copy(source: Path, target: Path) -> Path:
    target.write_bytes(source.read_bytes())
    return target


def refusal(path: Path) -> str:
    with pytest.raises(InvalidInput) as caught:
        read_book(path)
    said = str(caught.value)
    assert said.startswith(f"{path}: ")
    assert "\n" not in said
    return said
