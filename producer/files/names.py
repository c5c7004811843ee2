"""Names of files that are valid on Linux, macOS and Windows. Pure."""

from __future__ import annotations

import re
import unicodedata

from tasks.terminal.printable import printable

NAME_BYTES = 150
"""The longest title in a file's name. Most file systems allow 255 bytes; number and suffix are added."""

_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]+')
_WINDOWS_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def safe_name(title: str, fallback: str = "untitled") -> str:
    """A title as a valid file name on Linux, macOS and Windows; `fallback` if no character is left."""
    shown = "".join(one if printable(one) == one else " " for one in unicodedata.normalize("NFC", title))
    name = _FORBIDDEN.sub(" ", shown)
    name = " ".join(name.split())
    name = name.encode()[:NAME_BYTES].decode(errors="ignore").strip(" .")
    if _WINDOWS_DEVICES.fullmatch(name):
        name = f"_{name}"
    return name or fallback


def numbered_name(number: int, title: str, last: int, ending: str) -> str:
    """`01 - Title.wav`; `last` is the highest number in the folder, so that names sort in order."""
    digits = max(2, len(str(last)))
    name = safe_name(title, "")
    return f"{number:0{digits}d} - {name}.{ending}" if name else f"{number:0{digits}d}.{ending}"
