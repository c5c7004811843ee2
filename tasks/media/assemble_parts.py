"""Joins parts of a job whose audio is in the store to one artifact, in one pass.

Each part is looked at once, for the name of the whole and its length; then it is read once, verified, and its samples
are copied into the new file, which is hashed while it is written. A small part is in memory while it is copied, of a
large one a block. When a part is missing or damaged, nothing is written, and all such parts are named together.
The whole's details have the pieces of all parts, each where its part really lies in the sound.
"""

from __future__ import annotations

import functools
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

from tasks.errors import ArtifactMissing, StoreError
from tasks.media.assemble import Open, assemble
from tasks.media.pieces import PIECES, pieces_at
from tasks.store.artifacts import JSON, Artifact, Store, name_of
from tasks.store.hashed_file import HashedFile
from tasks.store.scratch import scratch_folder

VERSION = "2"
"""An ingredient of the names of joined files: raise it when the same parts would give another file."""

IN_MEMORY_BYTES = 4 * 1024 * 1024
"""A larger part is copied to a scratch file first."""


@dataclass(frozen=True)
class PartAudio:
    """A part's audio in the store, the silence before it in seconds, and its text, for a part without pieces."""

    name: str
    pause_before_s: float
    text: str = ""


class PartsMissing(ArtifactMissing):
    """The audio of these parts, by their numbers from 1, is missing or damaged; the message is that of the first."""

    def __init__(self, message: str, numbers: Sequence[int]) -> None:
        super().__init__(message)
        self.numbers = list(numbers)


def assemble_to_store(store: Store, parts: Sequence[PartAudio]) -> Artifact:
    """Join parts to one artifact (details: `sample_rate`, `frames`, `pieces`), named by the parts and their pauses.

    If the artifact exists already, no part is read. Raises `PartsMissing`; from then on `store.find` returns None for
    these parts. `StoreError`: a part was written again meanwhile. Else the errors of `assemble`.
    """
    found = _look(store, parts)
    name = name_of("chapter", "wav", {"assembler": VERSION, "parts": _ingredients(found, parts)})
    if (whole := store.find(name)) is not None:
        return whole
    return store.put_written(name, functools.partial(_write, store, found, parts))


def _look(store: Store, parts: Sequence[PartAudio]) -> list[Artifact]:
    """The parts without their pieces: those of all would take much memory, and are met again when a part is read."""
    found = [_without_pieces(store.find(part.name)) for part in parts]
    if gone := [number for number, artifact in enumerate(found, 1) if artifact is None]:
        first = parts[gone[0] - 1].name
        raise PartsMissing(f"part {gone[0]}: artifact {first} is not in {store.place}", gone)
    return [artifact for artifact in found if artifact is not None]


def _without_pieces(artifact: Artifact | None) -> Artifact | None:
    if artifact is None or PIECES not in artifact.details:
        return artifact
    return replace(artifact, details={name: one for name, one in artifact.details.items() if name != PIECES})


def _ingredients(found: Sequence[Artifact], parts: Sequence[PartAudio]) -> list[JSON]:
    """Name, digest and pause of every part; the first part's pause counts as 0, because it is left out.

    The name stands for the text, and so for the pieces: parts of two texts may have the same sound.
    """
    pauses = [0.0, *(float(part.pause_before_s) for part in parts[1:])]
    return [[one.name, one.sha256, pause_s] for one, pause_s in zip(found, pauses, strict=True)]


def _write(store: Store, found: Sequence[Artifact], parts: Sequence[PartAudio], out: HashedFile) -> Mapping[str, Any]:
    with scratch_folder() as folder:
        reader = _Reader(store, found, parts, folder / "part")
        pieces = zip(reader.pieces(), (part.pause_before_s for part in parts), strict=True)
        try:
            rate, frames = assemble(pieces, out, _expected_frames(found, parts), reader.placed)
        except ArtifactMissing as exc:
            if broken := reader.broken():
                raise PartsMissing(str(exc), broken) from exc
            raise
    return {"sample_rate": rate, "frames": frames, PIECES: reader.told}


def _expected_frames(found: Sequence[Artifact], parts: Sequence[PartAudio]) -> int:
    """The length of the whole as far as the parts' details tell; the header is replaced where they do not."""
    rate = found[0].details.get("sample_rate") if found else None
    frames = [artifact.details.get("frames") for artifact in found]
    if not isinstance(rate, int) or not all(isinstance(one, int) for one in frames):
        return 0
    return sum(frames) + sum(round(part.pause_before_s * rate) for part in parts[1:])  # type: ignore[arg-type]


class _Reader:
    """Opens the parts one after the other, each verified; knows which of them were not what the store says.

    `told` has the pieces of those that were copied, at their places in the whole.
    """

    def __init__(self, store: Store, found: Sequence[Artifact], parts: Sequence[PartAudio], scratch: Path) -> None:
        self.told: list[JSON] = []
        self._store = store
        self._found = found
        self._parts = parts
        self._scratch = scratch
        self._opened = 0
        self._details: Mapping[str, Any] = {}

    def pieces(self) -> Iterator[Open]:
        for artifact in self._found:
            yield functools.partial(self._open, artifact)

    def broken(self) -> list[int]:
        """The parts, from the last one on, that are missing or damaged; reads all that follow it."""
        first = max(self._opened, 1)
        return [
            number
            for number, artifact in enumerate(self._found[first - 1 :], first)
            if not is_sound(self._store, artifact.name)
        ]

    def placed(self, start: int, frames: int, rate: int) -> None:
        """The part that was opened last was copied: so many frames, behind `start` others."""
        self.told += pieces_at(self._details, self._parts[self._opened - 1].text, start, frames, rate)

    def _open(self, artifact: Artifact) -> BinaryIO:
        self._opened += 1
        if artifact.bytes > IN_MEMORY_BYTES:
            now, file = self._store.fetch(artifact.name, self._scratch), self._scratch.open("rb")
        else:
            now, data = self._store.read(artifact.name)
            file = io.BytesIO(data)  # type: ignore[assignment]
        if now.sha256 != artifact.sha256:
            file.close()
            raise StoreError(f"artifact {artifact.name} was written again while it was joined")
        self._details = now.details
        return file


def is_sound(store: Store, name: str) -> bool:
    """Whether it is there, and what was written."""
    try:
        store.read(name)
    except ArtifactMissing:
        return False
    return True
