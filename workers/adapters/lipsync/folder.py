"""A face folder: finds its network, rectangles and frames, and refuses what cannot be shown. Loads and decodes nothing.

It takes the folders of the replaced server as they lie. The check reads the small files and the first bytes of each
picture; what it says is one line with the file and the reason. It cannot see a picture that is damaged inside.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.errors import ModelLoadError
from workers.adapters.lipsync.frames.files import FrameFiles, find_frames, numbered_pictures, sized
from workers.adapters.lipsync.frames.prepared import usable
from workers.adapters.lipsync.frames.source import Source, source_of
from workers.adapters.lipsync.rectangles import Rectangles, read_rectangles

NETWORK = "checkpoint/model_best.onnx"
PACKAGE = "package_info.json"


@dataclass(frozen=True)
class FaceFolder:
    """The files of one face. `network` is where its network should be; whether it is there is not looked at.

    `frames` are what backgrounds are read from: what `slotline faces prepare` has made, if it is there and of these
    frames, or else the frames themselves. `parsing` are pictures of which pixels stay as they are; empty if there
    are none.
    """

    path: Path
    network: Path
    rectangles: Rectangles
    frames: FrameFiles
    parsing: Sequence[Path] = ()

    @classmethod
    def find(cls, path: Path, place: str = "", source: str | None = None, use_prepared: bool = True) -> FaceFolder:
        """Look at a face folder. `place` is the catalog's table, for errors; `source` names a film or folder of frames.

        Raises `ModelLoadError` with one line.
        """
        try:
            return cls._find(path, source, use_prepared)
        except (ValueError, OSError) as exc:
            raise ModelLoadError(_said(place, exc)) from exc

    @classmethod
    def _find(cls, path: Path, source: str | None, use_prepared: bool) -> FaceFolder:
        if not path.is_dir():
            raise ValueError(f"there is no folder {path}")
        rectangles = read_rectangles(path)
        frames = usable(path, source) if use_prepared else None
        frames = frames or find_frames(path, source)
        if frames.size:
            check(rectangles, len(frames.files), frames.size, frames.place)
        return cls(path, _network(path), rectangles, frames, _parsing(path, rectangles, frames.size))

    def opened(self, place: str = "") -> tuple[Source, tuple[int, int]]:
        """Its backgrounds, and their width and height; raises `ModelLoadError`, also for a film that does not fit."""
        source = source_of(self.frames)
        try:
            size = self.frames.size or self._fitting_size(source)
        except (ValueError, OSError) as exc:
            source.close()
            raise ModelLoadError(_said(place, exc)) from exc
        return source, size

    def _fitting_size(self, film: Source) -> tuple[int, int]:
        """The size of a film; raises `ValueError` if it does not fit the rectangles."""
        check(self.rectangles, film.count, film.size, self.frames.place)
        _check_sizes(self.parsing, film.size)
        return film.size

    def digest(self) -> str:
        """16 hex digits that are others if the frames or rectangles are. The network's weights are not in them."""
        sha = hashlib.sha256(self.frames.digest().encode())
        for one in self.rectangles.all:
            sha.update(f"{one.left} {one.top} {one.right}\n".encode())
        for path in self.parsing:
            sha.update(f"{path.name}\0{path.stat().st_size}\0".encode())
        return sha.hexdigest()[:16]


def check(rectangles: Rectangles, frames: int, size: tuple[int, int], place: Path) -> None:
    """Raise `ValueError` if there is not one rectangle for each frame, or one of them does not fit in it."""
    if frames != len(rectangles.all):
        raise ValueError(f"{place}: has {frames} frames, but {rectangles.file} has {len(rectangles.all)} rectangles")
    if fault := rectangles.fault(size):
        raise ValueError(fault)


def _network(path: Path) -> Path:
    """Where the network is: `package_info.json` may name another file in the folder."""
    file = path / PACKAGE
    if not file.exists():
        return path / NETWORK
    try:
        info: Any = json.loads(file.read_text(encoding="utf-8"))
        named = info.get("onnx", {}).get("file", NETWORK)
        inside = (path / named).resolve().is_relative_to(path.resolve())
    except (ValueError, AttributeError, TypeError) as exc:
        raise ValueError(f"{file}: cannot be read: {exc}") from exc
    if not inside:
        raise ValueError(f"{file}: onnx.file: {named!r} is not in the folder of the face")
    return path / str(named)


def _parsing(path: Path, rectangles: Rectangles, size: tuple[int, int] | None) -> Sequence[Path]:
    folder = path / "parsing"
    if not folder.is_dir() or not (numbered := numbered_pictures(folder)):
        return ()
    files = [file for _, file in numbered]
    if len(files) != len(rectangles.all):
        raise ValueError(f"{folder}: has {len(files)} pictures, but the face has {len(rectangles.all)} frames")
    if size:
        _check_sizes(files, size)
    return files


def _check_sizes(files: Sequence[Path], size: tuple[int, int]) -> None:
    for path, found in sized(files):
        if found != size:
            raise ValueError(f"{path}: has {found[0]}×{found[1]} pixels, but the frames have {size[0]}×{size[1]}")


def _said(place: str, exc: Exception) -> str:
    return f"{place} path: {exc}" if place else str(exc)
