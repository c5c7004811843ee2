"""Names for files, which Linux, macOS and Windows take. Pure."""

from __future__ import annotations

import re
import unicodedata

NAME_BYTES = 150
"""Longest title in a file's name; most file systems take 255 bytes, and number and ending come on top."""

_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]+')
_WINDOWS_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def safe_name(title: str, fallback: str = "untitled") -> str:
    """A title as a file's name that Linux, macOS and Windows take; `fallback` where nothing of it is left."""
    name = _FORBIDDEN.sub(" ", unicodedata.normalize("NFC", title))
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
