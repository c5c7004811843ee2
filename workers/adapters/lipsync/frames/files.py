"""Finds the frames of a face among its files: pictures with numbers in their names, or a film. Decodes nothing.

The naming of the pictures does not matter, only their numbers: `frame_0007.png`, `frame_7.jpg` and `7.jpeg` are all
frame 7. They are in order when no number is missing and none is there twice, and all of one size.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from workers.adapters.lipsync.frames.headers import picture_size
from workers.adapters.lipsync.rectangles import first_gap

PLACES = ("frames", "full_body_img", "full_body_video.mp4")
"""Where the frames of a face are looked for, in this order."""
NAMES = re.compile(r"(?:frame_?)?(\d+)\.(?:png|jpe?g)", re.IGNORECASE)
FILMS = frozenset({".mp4", ".mov", ".mkv", ".webm", ".avi"})
SAMPLES = 8
BLOCK_BYTES = 64 * 1024


@dataclass(frozen=True)
class FrameFiles:
    """The frames of a face: `files` are its pictures in order, or its one film, whose size is not known yet.

    `place` is the folder of the pictures, or the film. `size` is width and height in pixels. `origin` is the digest of
    the frames that these were made of, if they were: files of one size, as BMP are, do not show by theirs what changed.
    """

    place: Path
    files: Sequence[Path]
    size: tuple[int, int] | None
    origin: str = ""

    def bytes(self) -> int:
        """The size of all files together."""
        return sum(path.stat().st_size for path in self.files)

    def digest(self) -> str:
        """16 hex digits that are others if the frames are: of all names and sizes, and of the content of some files.

        Times are not used, so a copy on another host has the same. It reads at most half a megabyte.
        """
        sha = hashlib.sha256(self.origin.encode())
        for path in self.files:
            sha.update(f"{path.name}\0{path.stat().st_size}\0".encode())
        for path in self.files[:: max(1, len(self.files) // SAMPLES)][:SAMPLES]:
            with path.open("rb") as file:
                file.seek(max(0, path.stat().st_size // 2 - BLOCK_BYTES // 2))
                sha.update(file.read(BLOCK_BYTES))
        return sha.hexdigest()[:16]


def find_frames(folder: Path, named: str | None = None) -> FrameFiles:
    """The frames of a face: in the place `named`, a film or a folder, or else where they usually are.

    A relative place is seen from the face folder. Raises `ValueError` that says what is missing or wrong.
    """
    for place in [named] if named else PLACES:
        path = folder / place
        if path.is_dir() and (numbered := numbered_pictures(path)):
            return pictures(path, [file for _, file in numbered])
        if path.is_file():
            if path.suffix.lower() not in FILMS:
                raise ValueError(f"{path}: is no folder of pictures and no film ({', '.join(sorted(FILMS))})")
            return FrameFiles(path, [path], None)
    looked = named or ", ".join(PLACES)
    raise ValueError(f"{folder}: has no frames (PNG or JPEG, such as frame_0000.png) in {looked}")


def pictures(place: Path, files: Sequence[Path]) -> FrameFiles:
    """These pictures as frames; raises `ValueError` if one is damaged or they are not all of one size."""
    sizes = sized(files)
    first, size = next(sizes)
    for path, other in sizes:
        if other != size:
            raise ValueError(
                f"{path}: has {other[0]}×{other[1]} pixels, but {first.name} has {size[0]}×{size[1]}; "
                "all frames of a face have one size"
            )
    return FrameFiles(place, files, size)


def sized(files: Iterable[Path]) -> Iterator[tuple[Path, tuple[int, int]]]:
    """Each picture with its width and height; raises `ValueError` at one that is damaged."""
    for path in files:
        try:
            yield path, picture_size(path)
        except ValueError as exc:
            raise ValueError(f"{path}: {exc}") from exc
        except OSError as exc:
            raise ValueError(f"{path}: cannot be read: {exc.strerror}") from exc


def numbered_pictures(folder: Path) -> list[tuple[int, Path]]:
    """The pictures of a folder by their numbers; raises `ValueError` if a number is missing, or is there twice."""
    found: dict[int, Path] = {}
    for path in sorted(folder.iterdir()):
        if match := NAMES.fullmatch(path.name):
            number = int(match[1])
            if number in found:
                raise ValueError(f"{folder}: frame {number} is there twice: {found[number].name} and {path.name}")
            found[number] = path
    numbers = sorted(found)
    if numbers and (gap := first_gap(numbers)) is not None:
        raise ValueError(f"{folder}: frame {gap} is missing; there are {numbers[0]} to {numbers[-1]}")
    return [(number, found[number]) for number in numbers]
