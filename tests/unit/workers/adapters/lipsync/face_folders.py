"""Small face folders for these tests: pictures of noise with a number that tells which one each is. No network."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

SIZE = (96, 64)
"""Width and height of the frames."""


def rectangle(number: int, width: int = 40) -> list[int]:
    """Where the face of a frame is: another place in each."""
    left, top = 10 + number % 7, 5 + number % 5
    return [left, top, left + width, top + width]


def png(path: Path, size: tuple[int, int] = SIZE, level: int = 0) -> Path:
    """Write a PNG of one colour, without any library: all bytes of its pixels are `level`."""
    width, height = size
    rows = b"".join(b"\0" + bytes([level]) * 3 * width for _ in range(height))
    parts = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    data = b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in parts
    )
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + data)
    return path


def face_folder(
    folder: Path,
    frames: int = 5,
    name: str = "frames/frame_{:04d}.png",
    rectangles: Sequence[Any] | None = None,
    first: int = 0,
) -> Path:
    """A folder of one face: frame number n has the level 10·n (mod 256). `name` says where its pictures are."""
    for number in range(frames):
        png(folder / name.format(number + first), level=10 * number % 256)
    rows = [rectangle(number) for number in range(frames)] if rectangles is None else rectangles
    (folder / "crop_rects.json").write_text(json.dumps(rows))
    return folder


def points(path: Path, at: Sequence[int]) -> None:
    """Write the landmarks of a face whose rectangle is this; points are in fractions of pixels."""
    lines = ["0 0"] * 110
    lines[1], lines[31], lines[52] = f"{at[0]}.75 9", f"{at[2]}.25 9", f"9 {at[1]}.99"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
