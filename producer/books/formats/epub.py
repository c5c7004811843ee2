"""An EPUB to a book: pages in reading order, divided into chapters where the contents say so.

Pages that hold no part of the work itself (cover, title page, contents, imprint, colophon,
copyright, dedication, notes, …) are left out and listed by name. An entry of the contents
with nothing but its heading joins the entry below it («Part Two»). Nothing else is lost:
pages without an entry go on from the one before.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from producer.books.formats.archive import Archive
from producer.books.formats.book import Book, Chapter, has_words, join_titles, title_of
from producer.books.formats.markup import parse_xhtml, tag, types
from producer.books.formats.package import Entry, Package, read_package
from producer.books.formats.xhtml import Block, Page, read_page
from tasks.text.language import guess_language
from tasks.text.normalise import is_speakable

# fmt: off
LEFT_OUT_TYPES = frozenset((
    "cover", "titlepage", "title-page", "halftitlepage", "halftitle", "toc", "landmarks", "loi", "lot", "loa", "lov",
    "page-list", "index", "colophon", "imprint", "imprimatur", "copyright-page", "copyright", "dedication",
    "acknowledgments", "acknowledgements", "contributors", "other-credits", "errata", "bibliography", "biblioentry",
    "glossary", "footnotes", "endnotes", "rearnotes", "notes", "keywords", "seriespage",
))
# fmt: on
"""Words of `epub:type`, landmarks and the EPUB 2 guide."""

_LEFT_OUT_TITLE = re.compile(
    r"^(?:(?:book )?cover(?: page)?|half[- ]?title(?: ?page)?|title ?page|(?:table of )?contents|copyright(?: page)?"
    r"|uncopyright|colophon|imprint|dedication|(?:end|foot)notes|index|toc|bìa|trang bìa|mục lục|bản quyền)$",
    re.IGNORECASE,
)


@dataclass
class _Section:
    """The text from one entry of the contents to the next."""

    title: str
    depth: int
    blocks: list[Block] = field(default_factory=list)


def read_epub(path: Path) -> Book:
    """The book in an EPUB; raises `InvalidInput` of one line that names the file."""
    with Archive(path) as archive:
        package = read_package(archive)
        pages: dict[str, Page] = {}
        left_out: list[str] = [_name_of(package, member) for member in package.aside]
        for member in package.spine:
            data = archive.read(member)
            root = parse_xhtml(data)
            if root is None and data.strip():
                raise archive.fault(f"damaged: {member} cannot be read")
            page = read_page(root) if root is not None else Page()
            if _is_left_out(package, member, root, page):
                left_out.append(_name_of(package, member))
            elif page.blocks or page.anchors:
                pages[member] = page
    chapters, empty = _to_chapters(_sections(package, pages), package.title)
    if not chapters:
        raise archive.fault("holds no text that could be read aloud")
    title = package.title or path.stem
    language = package.language or guess_language(" ".join(chapter.text for chapter in chapters[:3]))
    return Book(title, package.author, language, chapters, tuple(left_out + empty))


def _name_of(package: Package, member: str) -> str:
    """What to call a page: its line in the contents, else the file's name."""
    return next((entry.title for entry in package.contents if entry.member == member), "") or Path(member).stem


def _is_left_out(package: Package, member: str, root: Any | None, page: Page) -> bool:
    if package.landmarks.get(member, frozenset()) & LEFT_OUT_TYPES:
        return True
    if _page_types(root) & LEFT_OUT_TYPES:
        return True
    named = [entry.title for entry in package.contents if entry.member == member]
    if not named:
        heading = next((block.text for block in page.blocks[:3] if block.heading), "")
        named = [title_of(heading) or Path(member).stem]
    return len(named) == 1 and bool(_LEFT_OUT_TITLE.match(named[0]))


def _page_types(root: Any | None) -> frozenset[str]:
    """What the page as a whole says it is: its body, and the one element that holds all the rest."""
    body = next((node for node in root.iter() if tag(node) == "body"), None) if root is not None else None
    found: frozenset[str] = frozenset()
    while body is not None:
        found |= types(body)
        inside = list(body)
        body = inside[0] if len(inside) == 1 and tag(inside[0]) in ("section", "div", "article", "nav") else None
    return found


def _sections(package: Package, pages: dict[str, Page]) -> list[_Section]:
    """All blocks of all pages, divided before each place that the contents name."""
    sections: list[_Section] = []
    for member, page in pages.items():
        starts = _starts(package.contents, member, page)
        first = starts[0][0] if starts else len(page.blocks)
        opening = page.blocks[:first]
        if opening:
            if not sections or not package.contents:
                sections.append(_Section(package.title if package.contents else "", 0))
            sections[-1].blocks += opening
        stops = [start for start, _ in starts[1:]] + [len(page.blocks)]
        for (start, entry), stop in zip(starts, stops, strict=False):
            sections.append(_Section(entry.title, entry.depth, page.blocks[start:stop]))
    return sections


def _starts(contents: Iterable[Entry], member: str, page: Page) -> list[tuple[int, Entry]]:
    """(block, entry) of each entry that leads into the page, in the page's order."""
    found = [entry for entry in contents if entry.member == member]
    # An entry that leads to nothing would cut off a chapter's beginning, unless it is the page's only one.
    sound = [entry for entry in found if not entry.fragment or entry.fragment in page.anchors] or found[:1]
    return sorted(((page.anchors.get(entry.fragment, 0), entry) for entry in sound), key=lambda start: start[0])


def _to_chapters(sections: list[_Section], book_title: str) -> tuple[tuple[Chapter, ...], list[str]]:
    """Chapters of the sections, and the titles of those that hold nothing to read."""
    chapters: list[Chapter] = []
    empty: list[str] = []
    above: list[_Section] = []
    for number, section in enumerate(sections):
        following = sections[number + 1] if number + 1 < len(sections) else None
        is_parent = following is not None and following.depth > section.depth
        if is_parent and all(block.heading for block in section.blocks):
            above.append(section)
            continue
        chapter = _chapter([*above, section], book_title, len(chapters) + 1)
        above = []
        if has_words(chapter):
            chapters.append(chapter)
        elif section.title:
            empty.append(section.title)
    return tuple(chapters), empty


def _chapter(sections: list[_Section], book_title: str, number: int) -> Chapter:
    own = sections[-1]
    heading = next((block.text for block in own.blocks[:3] if block.heading), "")
    title = own.title or title_of(heading) or f"Chapter {number}"
    texts = [block.text for section in sections[:-1] for block in section.blocks]
    if own.title and own.blocks and not _opens_with(own.blocks, own.title):
        texts.append(own.title)
    texts += [block.text for block in own.blocks]
    over = [section.title for section in sections[:-1] if section.title != book_title]
    return Chapter(join_titles(*over, title), "\n\n".join(texts))


def _opens_with(blocks: list[Block], title: str) -> bool:
    """Whether the heading is there already, be it in other signs or on several lines."""
    opening = _letters(" ".join(block.text for block in blocks[:3]))
    return blocks[0].heading or not is_speakable(title) or opening.startswith(_letters(title))


def _letters(text: str) -> str:
    return "".join(char for char in text.casefold() if char.isalnum())
