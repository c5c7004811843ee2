"""The size of a picture, from the first bytes of its file, and whether the file ends as it should. Decodes nothing.

Hundreds of pictures are looked at in some milliseconds, so a folder can be checked before it is used.
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

PNG = b"\x89PNG\r\n\x1a\n"
PNG_END = b"IEND\xaeB`\x82"
JPEG = b"\xff\xd8"
JPEG_END = b"\xff\xd9"
JPEG_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""The markers of a JPEG whose segment has its size."""
TAIL_BYTES = 4096
"""Some cameras write bytes of their own behind the end of a JPEG."""


def picture_size(path: Path) -> tuple[int, int]:
    """Width and height in pixels of a PNG or a JPEG; raises `ValueError` that says what is wrong with the file."""
    with path.open("rb") as file:
        begin = file.read(24)
        match begin[:2]:
            case b"\x89P" if begin.startswith(PNG) and begin[12:16] == b"IHDR":
                size, end = (_number(begin[16:20]), _number(begin[20:24])), PNG_END
            case b"\xff\xd8":
                size, end = _jpeg_size(file), JPEG_END
            case b"":
                raise ValueError("is empty")
            case _:
                raise ValueError("is no PNG and no JPEG")
        length = file.seek(0, 2)
        file.seek(max(0, length - TAIL_BYTES))
        if end not in file.read():
            raise ValueError("is cut off")
    return size


def _jpeg_size(file: BinaryIO) -> tuple[int, int]:
    at = len(JPEG)
    while True:
        file.seek(at)
        head = file.read(9)
        if len(head) < 9 or head[0] != 0xFF:
            raise ValueError("is a damaged JPEG")
        if head[1] == 0xFF:  # bytes that only fill
            at += 1
        elif head[1] in JPEG_SIZES:
            return _number(head[7:9]), _number(head[5:7])
        else:
            at += 2 + _number(head[2:4])


def _number(data: bytes) -> int:
    return int.from_bytes(data, "big")
