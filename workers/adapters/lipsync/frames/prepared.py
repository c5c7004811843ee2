"""What `slotline faces prepare` leaves in a face folder: the same frames in a form that decodes faster.

It lies in `prepared/`, beside the frames that it was made of, and `about.json` says of which ones. If those have
changed since then, or a file of it is missing, it is not used; if they are gone, it takes their place.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from workers.adapters.lipsync.frames.files import FrameFiles, find_frames

logger = logging.getLogger(__name__)

FOLDER = "prepared"
ABOUT = "about.json"
VERSION = 1
AGAIN = "run slotline faces prepare again"


@dataclass(frozen=True)
class About:
    """What was prepared. `of` is the place of the original frames, seen from the face folder; digests are of files.

    `format` is `jpg`, `bmp` or `film`; `files` are names in the folder `prepared`, in order.
    """

    format: str
    files: list[str]
    width: int
    height: int
    digest: str
    of: str
    of_digest: str
    version: int = VERSION

    def write(self, folder: Path) -> None:
        """Write it into the folder of what was prepared."""
        text = json.dumps(asdict(self), indent=1, ensure_ascii=False)
        (folder / ABOUT).write_text(text + "\n", encoding="utf-8")

    def frames(self, folder: Path) -> FrameFiles:
        """The frames that were prepared, in that folder."""
        return frames_in(folder, self.files, self.format, (self.width, self.height))


def frames_in(folder: Path, files: Sequence[str], form: str, size: tuple[int, int]) -> FrameFiles:
    """The frames in these files of a form."""
    paths = [folder / name for name in files]
    return FrameFiles(paths[0], paths, None) if form == "film" else FrameFiles(folder, paths, size)


def read_about(face: Path) -> About | None:
    """What was prepared for this face; None if nothing was. Raises `ValueError` if it cannot be read."""
    file = face / FOLDER / ABOUT
    if not file.exists():
        return None
    try:
        about = About(**json.loads(file.read_text(encoding="utf-8")))
    except (ValueError, TypeError, OSError) as exc:
        raise ValueError(f"{file}: cannot be read ({exc})") from exc
    if about.version != VERSION or not about.files:
        raise ValueError(f"{file}: is of another version of slotline")
    return about


def usable(face: Path, source: str | None = None) -> FrameFiles | None:
    """What was prepared of the frames in `source`, or of those that are usual; None if it cannot be used.

    Where it is there and cannot be used, a line in the log says why.
    """
    try:
        about = read_about(face)
        if about is None or (source is not None and not is_same(face / source, face / about.of)):
            return None
        frames = about.frames(face / FOLDER)
        if fault := fault_of(face, about):
            raise ValueError(f"{face / FOLDER}: {fault}")
    except (ValueError, OSError) as exc:
        logger.warning("%s; the frames are read as they are: %s", exc, AGAIN)
        return None
    return replace(frames, origin=about.of_digest)


def is_same(one: Path, other: Path) -> bool:
    """Whether two paths are the same place."""
    return os.path.normpath(one) == os.path.normpath(other)


def fault_of(face: Path, about: About) -> str:
    """Why it cannot be used; empty if it can."""
    frames = about.frames(face / FOLDER)
    if lacking := next((path for path in frames.files if not path.is_file()), None):
        return f"{lacking.name} is missing"
    if frames.digest() != about.digest:
        return "its files have changed"
    if (face / about.of).exists() and find_frames(face, about.of).digest() != about.of_digest:
        return f"it was made of other frames than those in {about.of}"
    return ""
