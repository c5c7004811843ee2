"""Where the face is in each frame: reads the files of a face folder that say it, in all formats. Decodes no picture.

Three forms are read, in this order: `cache/crop_rectangles.json`, an object that has `{"rect": [x1, y1, x2, y2]}` under
each number; `crop_rects.json`, a list of `[x1, y1, x2, y2]`; `landmarks/N.lms`, 110 lines `x y` for each frame. The two
JSON files have the same values where both exist; the first one is what the Go server read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FORMS = ("cache/crop_rectangles.json", "crop_rects.json", "landmarks/N.lms")
LEFT_EDGE, RIGHT_EDGE, TOP_EDGE = 1, 31, 52
"""The lines of an `.lms` file (from 0) whose points are at the edges of the face."""


@dataclass(frozen=True)
class Rectangle:
    """A square of pixels: `right` and `bottom` are the first ones outside of it."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """In pixels."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """In pixels."""
        return self.bottom - self.top

    def fault(self, size: tuple[int, int]) -> str:
        """What is wrong with it for frames of `size` (width, height); empty if nothing is."""
        found = f"[{self.left}, {self.top}, {self.right}, {self.bottom}]"
        if self.width <= 0 or self.height <= 0:
            return f"the rectangle {found} is empty"
        if self.width != self.height:
            return f"the rectangle {found} is not square: {self.width}×{self.height}"
        if self.left < 0 or self.top < 0 or self.right > size[0] or self.bottom > size[1]:
            return f"the rectangle {found} leaves the frame of {size[0]}×{size[1]} pixels"
        return ""


@dataclass(frozen=True)
class Rectangles:
    """The rectangles of a face, in order, and the file or folder that they were read from."""

    file: Path
    all: Sequence[Rectangle]

    def fault(self, size: tuple[int, int]) -> str:
        """The first fault of one of them, with its number; empty if there is none."""
        for number, one in enumerate(self.all):
            if fault := one.fault(size):
                return f"{self.file}: frame {number}: {fault}"
        return ""


def read_rectangles(folder: Path) -> Rectangles:
    """The rectangles of a face folder; raises `ValueError` that names the file and what is wrong."""
    for form in FORMS[:2]:
        if (folder / form).exists():
            return Rectangles(folder / form, _of_json(folder / form))
    points = _numbered(folder / "landmarks", r"(\d+)\.lms")
    if not points:
        raise ValueError(f"{folder}: has no rectangles of the face: none of {', '.join(FORMS)}")
    return Rectangles(folder / "landmarks", [_of_points(path) for path in points])


def _of_json(path: Path) -> list[Rectangle]:
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as exc:
        raise ValueError(f"{path}: is no JSON: {exc}") from exc
    if isinstance(read, dict):
        rows = [read[key].get("rect") if isinstance(read[key], dict) else None for key in _in_order(path, read)]
    elif isinstance(read, list):
        rows = read
    else:
        raise ValueError(f"{path}: has neither a list nor an object of rectangles")
    if not rows:
        raise ValueError(f"{path}: has no rectangle")
    return [_of_row(path, number, row) for number, row in enumerate(rows)]


def _in_order(path: Path, read: dict[str, Any]) -> list[str]:
    """The keys, by their numbers, none of which may be missing."""
    if wrong := next((key for key in read if not re.fullmatch(r"\d+", key)), None):
        raise ValueError(f"{path}: the key {wrong!r} is not the number of a frame")
    keys = sorted(read, key=int)
    if keys and (gap := first_gap([int(key) for key in keys])) is not None:
        raise ValueError(f"{path}: has no rectangle of frame {gap}")
    return keys


def _of_row(path: Path, number: int, row: Any) -> Rectangle:
    is_four = isinstance(row, list) and len(row) == 4
    if not is_four or not all(type(value) in (int, float) and float(value).is_integer() for value in row):
        raise ValueError(f"{path}: frame {number}: {row!r} is not [x1, y1, x2, y2] in whole pixels")
    return Rectangle(*map(int, row))


def _of_points(path: Path) -> Rectangle:
    """The square below the upper edge, as wide as the face. Points are cut to whole pixels, not rounded."""
    try:
        points = [[float(value) for value in line.split()] for line in path.read_text(encoding="utf-8").splitlines()]
        left, right, top = int(points[LEFT_EDGE][0]), int(points[RIGHT_EDGE][0]), int(points[TOP_EDGE][1])
    except (ValueError, IndexError, OverflowError, OSError) as exc:
        raise ValueError(f"{path}: has not the points of a face: lines of «x y», at least {TOP_EDGE + 1}") from exc
    return Rectangle(left, top, right, top + right - left)


def first_gap(numbers: Sequence[int]) -> int | None:
    """The first number that is missing between the first and the last of these, which ascend."""
    return next((wanted for wanted, found in enumerate(numbers, numbers[0]) if wanted != found), None)


def _numbered(folder: Path, pattern: str) -> list[Path]:
    """The files whose names are numbers, in order; none may be missing."""
    if not folder.is_dir():
        return []
    found = {int(match[1]): path for path in folder.iterdir() if (match := re.fullmatch(pattern, path.name))}
    numbers = sorted(found)
    if numbers and (gap := first_gap(numbers)) is not None:
        raise ValueError(f"{folder}: has no points of frame {gap}")
    return [found[number] for number in numbers]
