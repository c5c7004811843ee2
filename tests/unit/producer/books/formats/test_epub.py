"""EPUBs become chapters by their own contents."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from producer.books.reader import Chapter, read_book
from tasks.errors import InvalidInput
from tests.unit.producer.books.formats.epubs import (
    NAV_HEAD,
    NAV_ITEM,
    nav,
    package,
    page,
    simple_epub,
    write_epub,
)


def test_the_navigation_joins_pages_and_divides_them(tmp_path: Path) -> None:
    links = nav(("a.xhtml", "First"), ("c.xhtml#x", "Second"), ("c.xhtml#y", "Third"), ("c.xhtml#gone", "Nowhere"))
    path = write_epub(
        tmp_path / "a.epub",
        {
            "OPS/book.opf": package(["a", "b", "c"], NAV_ITEM),
            "OPS/nav.xhtml": links,
            "OPS/a.xhtml": page("<h2>First</h2><p>a</p>"),
            "OPS/b.xhtml": page("<p>b</p>"),
            "OPS/c.xhtml": page("<p>c</p><h2 id='x'>Second</h2><p>d</p><section id='y'><p>e</p></section>"),
        },
    )
    assert read_book(path).chapters == (
        Chapter("First", "First\n\na\n\nb\n\nc"),
        Chapter("Second", "Second\n\nd"),
        Chapter("Third", "Third\n\ne"),
    )


def test_an_entry_with_only_a_heading_joins_the_one_below_it(tmp_path: Path) -> None:
    contents = (
        f"{NAV_HEAD}<nav epub:type='toc'><ol><li><a href='p.xhtml'>Part One</a><ol><li><a href='a.xhtml'>I</a></li>"
        "<li><a href='b.xhtml'>II</a></li></ol></li></ol></nav></body></html>"
    )
    path = write_epub(
        tmp_path / "a.epub",
        {
            "OPS/book.opf": package(["p", "a", "b"], NAV_ITEM),
            "OPS/nav.xhtml": contents,
            "OPS/p.xhtml": page("<h1>Part One</h1>"),
            "OPS/a.xhtml": page("<p>a</p>"),
            "OPS/b.xhtml": page("<p>b</p>"),
        },
    )
    assert read_book(path).chapters == (
        Chapter("Part One: I", "Part One\n\nI\n\na"),
        Chapter("II", "II\n\nb"),
    )


def test_an_epub_2_is_divided_by_its_ncx_and_its_guide_names_the_cover(tmp_path: Path) -> None:
    ncx = (
        '<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/"><navMap>'
        '<navPoint><navLabel><text>Tựa  một</text></navLabel><content src="a.xhtml"/></navPoint>'
        '<navPoint><navLabel><text>Hai</text></navLabel><content src="a.xhtml#h"/></navPoint></navMap></ncx>'
    )
    path = write_epub(
        tmp_path / "a.epub",
        {
            "OPS/book.opf": package(
                ["c", "a"],
                '<item id="ncx" href="toc.ncx" media-type="application/x-dtbncx+xml"/>',
                'toc="ncx"',
                '<guide><reference type="cover" href="c.xhtml"/></guide>',
            ),
            "OPS/toc.ncx": ncx,
            "OPS/c.xhtml": page("<p>Cover words</p>"),
            "OPS/a.xhtml": page("<p>a</p><p id='h'>b</p>"),
        },
    )
    book = read_book(path)
    assert book.chapters == (Chapter("Tựa một", "Tựa một\n\na"), Chapter("Hai", "Hai\n\nb"))
    assert book.left_out == ("c",)


def test_without_navigation_each_page_is_a_chapter_and_front_matter_is_left_out(tmp_path: Path) -> None:
    path = write_epub(
        tmp_path / "a.epub",
        {
            "OPS/book.opf": package(["cover", "rights", "a", "b"]),
            "OPS/cover.xhtml": page("<p>x</p>"),
            "OPS/rights.xhtml": page("<section epub:type='copyright-page'><p>All rights</p></section>"),
            "OPS/a.xhtml": page("<h1>Sea</h1><p>a</p>"),
            "OPS/b.xhtml": page("<p>b</p>"),
        },
    )
    book = read_book(path)
    assert book.chapters == (Chapter("Sea", "Sea\n\na"), Chapter("Chapter 2", "b"))
    assert book.left_out == ("cover", "rights")


@hypothesis_settings(max_examples=60, deadline=None)
@given(st.data())
def test_whatever_bytes_are_changed_a_book_or_one_clear_line_comes_back(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("fuzz") / "a.epub"
    whole = bytearray(simple_epub(path, "<h1>One</h1><p>Text of it.</p>").read_bytes())
    for at in data.draw(st.lists(st.integers(0, len(whole) - 1), min_size=1, max_size=12)):
        whole[at] = data.draw(st.integers(0, 255))
    path.write_bytes(whole)
    said = ""
    try:
        book = read_book(path)
    except InvalidInput as exc:
        said = str(exc)
    assert said.startswith(f"{path}: ") if said else book.chapters
    assert "\n" not in said
