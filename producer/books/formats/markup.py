"""Parses XML and XHTML from strangers: no network, no entity of their own, no document type.

A file that is not well-formed is read once more as HTML, as reading systems do.
"""

from __future__ import annotations

import codecs
import html
import html.entities
import re
from typing import Any

from lxml import etree
from lxml import html as lxml_html

EPUB_TYPE = "{http://www.idpf.org/2007/ops}type"

_DECLARED = re.compile(rb"""^\s*<\?xml[^>]*\bencoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
_DOCTYPE = re.compile(r"<!DOCTYPE[^\[>]*(?:\[.*?\]\s*)?>", re.DOTALL | re.IGNORECASE)
_PROLOG_CHARS = 16_384
_ENTITY = re.compile(r"&([A-Za-z][A-Za-z0-9]{1,31};)")
_NUMBERED = re.compile(r"&#(?:[xX]([0-9A-Fa-f]{1,8})|([0-9]{1,8}));?")
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_XML_OWN = frozenset(("amp;", "lt;", "gt;", "quot;", "apos;"))


def parse_xml(data: bytes) -> Any | None:
    """The root element of an XML document, or None where nothing of it can be read."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, recover=True, remove_comments=True, remove_pis=True
    )
    try:
        return etree.fromstring(_prepared(data), parser)
    except etree.XMLSyntaxError:
        return None


def parse_xhtml(data: bytes) -> Any | None:
    """The root element of an XHTML document; of HTML, where it is not well-formed.

    None of an empty one, and of one too deep to be read to its end.
    """
    text = _prepared(data)
    # huge_tree: how much is read of a file is the archive's limit; here a text would be cut off in silence.
    common = {"no_network": True, "remove_comments": True, "remove_pis": True, "huge_tree": True}
    try:
        return etree.fromstring(text, etree.XMLParser(resolve_entities=False, load_dtd=False, **common))
    except etree.XMLSyntaxError:
        lenient = lxml_html.HTMLParser(encoding="utf-8", recover=True, **common)
    try:
        root = etree.fromstring(text, lenient)
    except (etree.ParserError, etree.XMLSyntaxError):
        return None
    return None if any(each.level_name == "FATAL" for each in lenient.error_log) else root


def tag(element: Any) -> str:
    """The element's name in lower case, without a namespace; "" for what is no element."""
    name = element.tag
    return name.rpartition("}")[2].lower() if isinstance(name, str) else ""


def types(element: Any) -> frozenset[str]:
    """The element's meanings: the words of `epub:type` and `role` (`doc-noteref` as `noteref`)."""
    words = f"{element.get(EPUB_TYPE) or element.get('epub:type') or ''} {element.get('role') or ''}"
    return frozenset(word.removeprefix("doc-") for word in words.lower().split())


def words(element: Any) -> str:
    """All text inside the element, white space collapsed."""
    return " ".join("".join(element.itertext()).split())


def _prepared(data: bytes) -> bytes:
    """The document as UTF-8 without declaration and document type; HTML's entities as their characters."""
    text = _DECLARATION.sub("", _decode(data), count=1)
    # Looked for near the beginning only: elsewhere it is not a document type, and the search would take time.
    start = text[:_PROLOG_CHARS].upper().find("<!DOCTYPE")
    if start >= 0 and (doctype := _DOCTYPE.match(text, start)):
        text = text[:start] + text[doctype.end() :]
    text = _NUMBERED.sub(_numbered, _ENTITY.sub(_character, text))
    return _NOT_IN_XML.sub("", text).encode("utf-8", "replace")


def _decode(data: bytes) -> str:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace")
    declared = _DECLARED.match(data)
    encoding = declared[1].decode("ascii") if declared else "utf-8"
    try:
        return data.decode(encoding).lstrip("\ufeff")
    except (UnicodeDecodeError, LookupError):
        return data.decode("utf-8", "replace").lstrip("\ufeff")


def _character(found: re.Match[str]) -> str:
    name = found[1]
    if name in _XML_OWN:
        return found[0]
    return html.escape(html.entities.html5[name]) if name in html.entities.html5 else ""


def _numbered(found: re.Match[str]) -> str:
    """The reference itself, or nothing where it names no character; parsers that recover let those pass."""
    number = int(found[1], 16) if found[1] else int(found[2])
    return found[0] if number <= 0x10FFFF and not _NOT_IN_XML.match(chr(number)) else ""
