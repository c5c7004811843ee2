"""XHTML to text: what a reader would read aloud, paragraph by paragraph. Pure.

Block elements become blocks, `<br/>` a line end (two in a row end the block), `<hr/>` a
scene break `***`. Left away: scripts, styles, pictures, marks that call a note, page
numbers, the small print of ruby, and what is hidden. White space is collapsed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from lxml import etree

from producer.books.formats.book import clean
from producer.books.formats.markup import tag, types, words
from tasks.text.normalise import is_speakable

SCENE_BREAK = "***"

# fmt: off
_INLINE = frozenset((
    "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font", "i", "ins",
    "kbd", "label", "mark", "q", "rb", "ruby", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "time",
    "tt", "u", "var", "wbr",
))
_DROPPED = frozenset((
    "head", "script", "style", "template", "noscript", "svg", "math", "img", "picture", "audio", "video", "canvas",
    "object", "embed", "iframe", "map", "input", "button", "select", "textarea", "rt", "rp", "rtc",
))
_DROPPED_TYPES = frozenset((
    "noteref", "footnote", "footnotes", "endnote", "endnotes", "rearnote", "rearnotes", "note", "pagebreak",
))
# fmt: on
_HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6", "hgroup"))
_NOTE_MARK = re.compile(r"^[\[(]?(?:\d{1,4}|[*†‡§]{1,4}|[a-z])[\])]?$")

_BREAK = "\x1e"
_SPACE = re.compile(rf"[^\S{_BREAK}]+")
_BREAKS = re.compile(rf"\s*{_BREAK}\s*")


@dataclass(frozen=True)
class Block:
    """A paragraph of the document, or a heading."""

    text: str
    heading: bool = False


@dataclass
class Page:
    """A document as blocks; `anchors` maps each id to the block after it."""

    blocks: list[Block] = field(default_factory=list)
    anchors: dict[str, int] = field(default_factory=dict)


def read_page(root: Any) -> Page:
    """The blocks and anchors of a parsed document."""
    return _Reader().read(root)


class _Reader:
    """Walks a document once, without recursion, gathering the text of the open block."""

    def __init__(self) -> None:
        self.page = Page()
        self._open: list[str] = []
        self._headings = 0

    def read(self, root: Any) -> Page:
        walk = etree.iterwalk(root, events=("start", "end"))
        for event, element in walk:
            name = tag(element)
            if event == "start":
                if self._start(element, name):
                    walk.skip_subtree()
            else:
                self._end(element, name)
        self._close()
        return self.page

    def _start(self, element: Any, name: str) -> bool:
        """Take in the element's beginning; True where nothing inside it is read."""
        block = bool(name) and name not in _INLINE and name != "br" and name not in _DROPPED
        if block and name not in ("td", "th"):
            self._close()
        for anchor in (element.get("id"), element.get("name") if name == "a" else None):
            if anchor:
                self.page.anchors.setdefault(anchor, len(self.page.blocks))
        if _is_dropped(element, name):
            return True
        if name in _HEADINGS:
            self._headings += 1
        elif name == "br":
            self._open.append(_BREAK)
        elif name == "hr":
            self.page.blocks.append(Block(SCENE_BREAK))
        elif name in ("td", "th"):
            self._open.append(" ")
        if name and element.text:
            self._open.append(element.text)
        return False

    def _end(self, element: Any, name: str) -> None:
        if name and name not in _INLINE | _DROPPED and name not in ("br", "td", "th"):
            self._close()
        if name in _HEADINGS:
            self._headings -= 1
        if element.tail:
            self._open.append(element.tail)

    def _close(self) -> None:
        """End the open block."""
        if not self._open:
            return
        gathered = _SPACE.sub(" ", "".join(self._open))
        self._open.clear()
        for text in re.split(rf"\s*{_BREAK}\s*{_BREAK}\s*", gathered):
            text = clean(_BREAKS.sub("\n", text)).strip()
            if text:
                self.page.blocks.append(Block(text, self._headings > 0 and is_speakable(text)))


def _is_dropped(element: Any, name: str) -> bool:
    if name in _DROPPED or element.get("hidden") is not None or types(element) & _DROPPED_TYPES:
        return True
    # Older books mark their notes by nothing but a small number that is a link.
    if name != "a" or "#" not in (element.get("href") or ""):
        return False
    raised = any(tag(each) == "sup" for each in (element.getparent(), *element) if each is not None)
    return raised and bool(_NOTE_MARK.match(words(element)))
