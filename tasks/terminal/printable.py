"""Text from outside (titles, names, errors) in the form in which a terminal may print it. Pure."""

from __future__ import annotations

import shlex
import unicodedata

_CONTROLS = frozenset(("Cc", "Cs", "Zl", "Zp"))
"""Categories of Unicode: control characters, lone surrogates (which cannot be encoded), and ends of lines."""

_REORDERING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""They change the order of the letters after them, so that a name may be read as another one."""


def printable(text: str, kept: str = "") -> str:
    r"""`text` with each character that controls a terminal as its escape, such as `\x1b`; without those in `kept`.

    Letters with marks (Vietnamese, also decomposed) and wide characters stay as they are.
    """
    if text.isprintable():
        return text
    return "".join(one if _is_shown(one) or one in kept else _escaped(one) for one in text)


def one_line(text: str) -> str:
    """`printable`, with all white space as single spaces."""
    return printable(" ".join(text.split()))


def as_argument(text: str) -> str:
    """`text` as the last argument of a command to paste into bash: it arrives exactly, and nothing of it is run."""
    word = shlex.quote(text)
    if printable(text) != text:
        shown = text.replace("\\", r"\\").replace("'", r"\'")
        word = "$'" + "".join(one if _is_shown(one) else f"\\U{ord(one):08x}" for one in shown) + "'"
    return f"-- {word}" if text.startswith("-") else word


def shortened(text: str, limit: int) -> str:
    """`one_line`, with `…` at its end if it has more than `limit` characters."""
    line = one_line(text)
    return line if len(line) <= limit else line[: limit - 1] + "…"


def counted(number: int, noun: str, plural: str = "") -> str:
    """`1 chapter`, `2 chapters`, `1,200 chapters`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def size_in_words(size_bytes: float) -> str:
    """`512 B`, `12.3 KB`, `3.1 MB`, `2.0 GB`; a KB is 1024 bytes."""
    for unit in ("B", "KB", "MB"):
        if size_bytes < 1024:
            return f"{size_bytes:.1f}".removesuffix(".0") + f" {unit}"
        size_bytes /= 1024
    return f"{size_bytes:.1f} GB"


def _is_shown(one: str) -> bool:
    return unicodedata.category(one) not in _CONTROLS and one not in _REORDERING


def _escaped(one: str) -> str:
    return one.encode("unicode_escape").decode("ascii")
