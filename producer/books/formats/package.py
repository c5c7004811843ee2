"""An EPUB's own description of itself: title, reading order, navigation, and what each file is for.

Reads EPUB 3 (navigation document, landmarks) and EPUB 2 (NCX, guide). Finds and names; the
text itself is read elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from producer.books.formats.archive import Archive, resolve
from producer.books.formats.book import title_of
from producer.books.formats.markup import parse_xhtml, parse_xml, tag, types, words

CONTAINER = "META-INF/container.xml"
ENCRYPTION = "META-INF/encryption.xml"
MIMETYPE = b"application/epub+zip"
_PACKAGE_TYPE = "application/oebps-package+xml"
_PAGE_TYPES = ("application/xhtml+xml", "text/html", "application/xml", "text/x-oeb1-document")


@dataclass(frozen=True)
class Entry:
    """A line of the table of contents: its target, and its level (1 is highest)."""

    title: str
    member: str
    fragment: str
    depth: int


@dataclass
class Package:
    """What an EPUB says of itself. `spine` holds the pages to be read, in order; `aside` the others of the spine."""

    title: str = ""
    author: str = ""
    language: str = ""
    spine: list[str] = field(default_factory=list)
    aside: list[str] = field(default_factory=list)
    contents: list[Entry] = field(default_factory=list)
    landmarks: dict[str, frozenset[str]] = field(default_factory=dict)
    """Member -> what it is (`cover`, `toc`, …), where the whole member is meant."""


@dataclass(frozen=True)
class _Item:
    member: str
    media_type: str
    properties: frozenset[str]


def read_package(archive: Archive) -> Package:
    """The package of an EPUB; raises `InvalidInput` where it is none, is damaged, or is encrypted."""
    path = _package_path(archive)
    root = parse_xml(archive.read(path))
    if root is None:
        raise archive.fault(f"damaged: {path} cannot be read")
    items = {
        node.get("id") or "": _Item(
            resolve(path, node.get("href") or "")[0],
            (node.get("media-type") or "").lower(),
            frozenset((node.get("properties") or "").split()),
        )
        for node in _all(root, "manifest", "item")
    }
    package = Package()
    _read_metadata(root, package)
    _read_spine(root, items, package)
    if not package.spine:
        raise archive.fault("damaged: its reading order names no text")
    _refuse_encrypted(archive, package.spine)
    _read_navigation(archive, root, items, package)
    for node in _all(root, "guide", "reference"):
        _add_landmark(package, *resolve(path, node.get("href") or ""), frozenset((node.get("type") or "").split()))
    return package


def _package_path(archive: Archive) -> str:
    if "mimetype" in archive and archive.read("mimetype").strip(b" \r\n\t\xef\xbb\xbf\0") != MIMETYPE:
        raise archive.fault("a zip archive, but no EPUB: its mimetype is another's")
    if CONTAINER not in archive:
        raise archive.fault(f"a zip archive, but no EPUB: it holds no {CONTAINER}")
    root = parse_xml(archive.read(CONTAINER))
    if root is not None:
        for node in root.iter("{*}rootfile"):
            if node.get("full-path") and node.get("media-type", _PACKAGE_TYPE) == _PACKAGE_TYPE:
                return resolve("", node.get("full-path"))[0]
    raise archive.fault(f"damaged: {CONTAINER} names no package")


def _all(root: Any, parent: str, child: str) -> Iterator[Any]:
    for node in root.iter(f"{{*}}{parent}"):
        yield from node.iterchildren(f"{{*}}{child}")


def _read_metadata(root: Any, package: Package) -> None:
    for node in root.iter("{http://purl.org/dc/elements/1.1/}*"):
        said = title_of(words(node))
        match tag(node):
            case "title" if not package.title:
                package.title = said
            case "language" if not package.language:
                package.language = said
            case "creator":
                package.author = f"{package.author}, {said}" if package.author else said


def _read_spine(root: Any, items: dict[str, _Item], package: Package) -> None:
    for node in _all(root, "spine", "itemref"):
        item = items.get(node.get("idref") or "")
        if item is None or item.media_type not in _PAGE_TYPES:
            continue
        is_aside = node.get("linear") == "no" or "nav" in item.properties
        pages = package.aside if is_aside else package.spine
        if item.member not in pages:
            pages.append(item.member)


def _refuse_encrypted(archive: Archive, spine: list[str]) -> None:
    """Other encrypted files (usually fonts) are allowed: they are not read aloud."""
    if ENCRYPTION not in archive:
        return
    root = parse_xml(archive.read(ENCRYPTION))
    for data in () if root is None else root.iter("{*}EncryptedData"):
        covered = {resolve("", node.get("URI") or "")[0] for node in data.iter("{*}CipherReference")}
        if covered & set(spine):
            raise archive.fault("encrypted (DRM); only the shop's own reader can open it")


def _read_navigation(archive: Archive, root: Any, items: dict[str, _Item], package: Package) -> None:
    documents = [item.member for item in items.values() if "nav" in item.properties and item.member in archive]
    if documents:
        page = parse_xhtml(archive.read(documents[0]))
        for nav in () if page is None else page.iter("{*}nav"):
            if "toc" in types(nav):
                package.contents += _nav_entries(nav, documents[0])
            elif "landmarks" in types(nav):
                for link in nav.iter("{*}a"):
                    _add_landmark(package, *resolve(documents[0], link.get("href") or ""), types(link))
    if not package.contents:
        named = {node.get("toc") for node in root.iter("{*}spine")}
        tables = [
            item.member
            for key, item in items.items()
            if (key in named or item.media_type == "application/x-dtbncx+xml") and item.member in archive
        ]
        ncx = parse_xml(archive.read(tables[0])) if tables else None
        if ncx is not None:
            package.contents += _ncx_entries(ncx, tables[0])


def _nav_entries(nav: Any, base: str) -> Iterator[Entry]:
    for link in nav.iter("{*}a"):
        member, fragment = resolve(base, link.get("href") or "")
        depth = sum(tag(above) == "ol" for above in link.iterancestors())
        if member:
            yield Entry(title_of(words(link)), member, fragment, depth)


def _ncx_entries(ncx: Any, base: str) -> Iterator[Entry]:
    for point in ncx.iter("{*}navPoint"):
        content = next(point.iterchildren("{*}content"), None)
        label = next(point.iterchildren("{*}navLabel"), None)
        member, fragment = resolve(base, content.get("src") or "") if content is not None else ("", "")
        depth = 1 + sum(tag(above) == "navpoint" for above in point.iterancestors())
        if member:
            yield Entry(title_of(words(label)) if label is not None else "", member, fragment, depth)


def _add_landmark(package: Package, member: str, fragment: str, kinds: frozenset[str]) -> None:
    if member and not fragment:
        package.landmarks[member] = package.landmarks.get(member, frozenset()) | frozenset(k.lower() for k in kinds)
