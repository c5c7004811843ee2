"""The text of a Lua script, with those functions of its heads that it uses. Pure; knows little of Lua.

Redis makes each function of a script anew in each run of it, whether it is called or not: about 0.1 µs for each, which
for fifty is more than a short script takes. So a definition at the beginning of a line of a head that nothing names is
left out. Guarantee: whatever is named anywhere but in a whole line of comment, also inside a text, stays, in its order.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

_NAMES = r"\w+(?:, *\w+)*"
_DEFINITION = re.compile(rf"local (?:function )?({_NAMES})")
_COMMENT = re.compile(r"^\s*--.*$", re.MULTILINE)
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class _Piece:
    """A definition with its names, or another statement, which has none and always stays."""

    text: str
    names: frozenset[str]

    @property
    def words(self) -> frozenset[str]:
        """What it names itself, and whatever looks like it."""
        return frozenset(_WORD.findall(self.text))


def with_heads(heads: Sequence[str], script: str) -> str:
    """The script, behind what it needs of its heads; without the comments of these."""
    pieces = [piece for head in heads for piece in _pieces(_COMMENT.sub("", head))]
    used = set(_WORD.findall(_COMMENT.sub("", script)))
    kept: list[str] = []
    # A function names only what stands before it, so one walk from the end finds all.
    for piece in reversed(pieces):
        if not piece.names or piece.names & used:
            used |= piece.words
            kept.append(piece.text)
    return "\n".join([*reversed(kept), script])


def _pieces(head: str) -> Iterator[_Piece]:
    """The statements of a head: each goes from the beginning of a line to the next line that begins one."""
    lines: list[str] = []
    for line in filter(str.strip, head.splitlines()):
        if lines and not _goes_on(line):
            yield _piece(lines)
            lines = []
        lines.append(line)
    if lines:
        yield _piece(lines)


def _goes_on(line: str) -> bool:
    return line[0].isspace() or line.startswith(("end", "}", ")", "else"))


def _piece(lines: Iterable[str]) -> _Piece:
    text = "\n".join(lines)
    found = _DEFINITION.match(text)
    return _Piece(text, frozenset(_WORD.findall(found[1])) if found else frozenset())
