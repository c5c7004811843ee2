"""EPUBs become chapters by their own contents, and broken or hostile ones get one clear line."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from producer.books.formats import archive
from producer.books.reader import Chapter, read_book
from tasks.errors import InvalidInput

NOVEL = Path(__file__).resolve().parents[5] / "examples" / "love-among-the-chickens.epub"

CONTAINER = (
    '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container" version="1.0"><rootfiles>'
    '<rootfile full-path="OPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
)
NAV_HEAD = '<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops"><body>'


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


NAV_ITEM = '<item id="nav" href="nav.xhtml" properties="nav" media-type="application/xhtml+xml"/>'


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


def test_xhtml_becomes_paragraphs_without_what_nobody_reads_aloud(tmp_path: Path) -> None:
    path = simple_epub(
        tmp_path / "a.epub",
        "<h1>One</h1><p>A&nbsp;b\n  <em>c</em>d<a epub:type='noteref' href='#n'>1</a> e&#x2060;&#8212;f co&#173;op.</p>"
        "<hr/><p>Line<br/>two</p><div>loose <span hidden='hidden'>gone</span>text<p>inner</p>tail</div>"
        "<script>x()</script><style>y</style><svg><text>z</text></svg><aside epub:type='footnote' id='n'>note</aside>"
        "<p>Old<a href='#f1'><sup>12</sup></a> note&eacute;<span epub:type='pagebreak'>77</span>.</p>"
        "<ruby>漢<rt>kan</rt></ruby><table><tr><td>x</td><td>y</td></tr></table><!-- no --><p>A &lt;b&gt; &amp; c</p>",
    )
    (chapter,) = read_book(path).chapters
    assert chapter.text.split("\n\n") == [
        "One",
        "A b cd e—f coop.",
        "***",
        "Line\ntwo",
        "loose text",
        "inner",
        "tail",
        "Old noteé.",
        "漢",
        "x y",
        "A <b> & c",
    ]


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
